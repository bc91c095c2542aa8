"""`Timer`: how long a training takes, and a limit to it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any

from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Callback, Logs, Read


class Timer(Callback):
    """Measures the seconds of each epoch and of the whole training, and may stop it in time.

    Args:
        limit: stop training after so many seconds (or a `datetime.timedelta`), after the steps that
            are running; None for no limit. A restored training counts what it took before.
        verbose: 1 prints the total, and whether the limit stopped it.

    Attributes:
        epochs: the seconds of each epoch, validation included.
        total: the seconds of the training, so far or in all.

    Raises:
        ArgumentError: `limit` is no positive time.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> timer = tx.callbacks.Timer(limit=60)
        >>> history = trainer.fit(x, x, epochs=2, verbose=0, callbacks=[timer])
        >>> len(timer.epochs), 0 < sum(timer.epochs) <= timer.total < 60
        (2, True)
    """

    needs_logs = False

    def __init__(
        self, limit: float | datetime.timedelta | None = None, *, verbose: int = 0
    ) -> None:
        seconds = limit.total_seconds() if isinstance(limit, datetime.timedelta) else limit
        self.limit = None if seconds is None else number("Timer", "limit", seconds, above=0.0)
        self.verbose = verbose
        self.epochs: list[float] = []
        self._before = 0.0  # what the training took before it was restored
        self._started: float | None = None
        self._ended = 0.0
        self._epoch_started = 0.0
        self._has_stopped = False

    @property
    def total(self) -> float:
        """The seconds of the training, so far or in all."""
        if self._started is None:
            return self._before + self._ended
        return self._before + time.perf_counter() - self._started

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin."""
        self.epochs, self._before, self._has_stopped = [], 0.0, False
        self._started = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin an epoch."""
        self._epoch_started = time.perf_counter()

    def on_progress(self, mode: str, done: int, read: Read) -> None:
        """Stop when it is time."""
        self._check()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """End an epoch."""
        self.epochs.append(time.perf_counter() - self._epoch_started)
        self._check()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """End, and say how long it took."""
        if self._started is not None:
            self._ended = time.perf_counter() - self._started
            self._started = None
        if self.verbose:
            reason = f", stopped by the limit of {self.limit:g} s" if self._has_stopped else ""
            print(f"Training took {self.total:.1f} s{reason}")

    def _check(self) -> None:
        if self.limit is not None and self._started is not None and self.total > self.limit:
            self._has_stopped = True
            self.trainer.stop_training = True

    def state_dict(self) -> dict[str, Any]:
        """Return the seconds of the epochs, and in all."""
        return {"epochs": list(self.epochs), "total": self.total}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.epochs, self._before = list(state["epochs"]), float(state["total"])
        self._ended = 0.0
