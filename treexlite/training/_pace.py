"""How many steps run in one dispatch: enough that Python does not matter, few enough to react.

In: the times at which dispatches are done. Out: the number of steps for the next one. It changes
how often Python looks, never what is computed: all numbers of steps run the same program.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import jax

TARGET = 0.03  # seconds that one dispatch should take
MOST = 1024  # steps
AHEAD = 2  # dispatches that may be under way


class Pace:
    """Chooses the number of steps for each dispatch, and keeps Python from running far ahead.

    Args:
        fixed: the number of steps to use always; None adapts it.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self.steps = 1 if fixed is None else fixed
        self._adapts = fixed is None
        self._under_way: deque[tuple[Any, int]] = deque()
        self._last = time.perf_counter()

    def start(self) -> None:
        """Forget the dispatches of an earlier pass."""
        self._under_way.clear()
        self._last = time.perf_counter()

    def dispatched(self, token: Any, steps: int) -> None:
        """Take note of a dispatch; wait until no more than `AHEAD` are under way.

        Args:
            token: an array that is ready when the dispatch is done.
            steps: how many steps it has.
        """
        self._under_way.append((token, steps))
        if len(self._under_way) <= AHEAD:
            return
        token, done = self._under_way.popleft()
        jax.block_until_ready(token)
        now = time.perf_counter()
        if self._adapts and done >= self.steps // 2:
            self._adapt(now - self._last, done)
        self._last = now

    def _adapt(self, seconds: float, steps: int) -> None:
        wanted = TARGET * steps / max(seconds, 1e-9)
        self.steps = int(min(max(wanted, self.steps / 2, 1), self.steps * 2, MOST))
