"""A thread that reads batches ahead of the training, and waits when it is far enough ahead.

In: an iterator of batches. Out: the batches, in their order, in groups of equal shape. What may
mutate: the iterator, in the thread. An error in the iterator is raised where the batch is asked
for; closing stops the thread.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

LOOK_EVERY = 0.1  # seconds, for an interruption while the source gives nothing


class Prefetcher:
    """Reads ahead of whoever calls `take`.

    Args:
        batches: what to read, in the thread, in the context of the caller.
        room: how many batches may wait.
        prepare: applied to each batch in the thread.
        kind: what has to be equal within a group.
    """

    def __init__(
        self,
        batches: Iterator[Any],
        room: int,
        prepare: Callable[[Any], Any],
        kind: Callable[[Any], Any],
    ) -> None:
        self._batches, self._room = batches, room
        self._prepare, self._kind = prepare, kind
        self._waiting: deque[tuple[Any, Any]] = deque()
        self._changed = threading.Condition()
        self._is_done = self._is_closed = False
        self._error: BaseException | None = None
        run = contextvars.copy_context().run
        self._thread = threading.Thread(
            target=run, args=(self._read_all,), name="treexlite-prefetch", daemon=True
        )
        self._thread.start()

    def _read_all(self) -> None:
        try:
            for batch in self._batches:
                item = (self._kind(batch), self._prepare(batch))
                with self._changed:
                    self._waiting.append(item)
                    self._changed.notify_all()
                    while len(self._waiting) >= self._room and not self._is_closed:
                        self._changed.wait()
                    if self._is_closed:
                        return
        except BaseException as error:  # also KeyboardInterrupt: it is raised in `take`
            self._error = error
        finally:
            with self._changed:
                self._is_done = True
                self._changed.notify_all()

    def take(self, limit: int, interrupt: Callable[[], None] = lambda: None) -> list[Any]:
        """Wait for a batch, and return it with those of its kind that are there; [] at the end.

        Args:
            limit: how many at most.
            interrupt: called now and then while nothing is there; it may raise.

        Raises:
            BaseException: what the iterator raised, after all batches before it.
        """
        with self._changed:
            while not self._waiting and not self._is_done:
                self._changed.wait(timeout=LOOK_EVERY)
                interrupt()
            if not self._waiting:
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                return []
            kind = self._waiting[0][0]
            group: list[Any] = []
            while self._waiting and len(group) < limit and self._waiting[0][0] == kind:
                group.append(self._waiting.popleft()[1])
            self._changed.notify_all()
            return group

    def close(self) -> None:
        """Stop reading. Waits for the batch that is being read, but for a moment only."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0)
