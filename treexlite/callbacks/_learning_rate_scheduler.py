"""`LearningRateScheduler`: a learning rate for each epoch, by a function."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe
from treexlite.callbacks._callback import Callback, Logs
from treexlite.callbacks._learning_rate import learning_rates, log_rates, set_learning_rates


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch, and logs it as `learning_rate`.

    A schedule by steps costs less and is finer as an argument of the optimizer:
    `tx.Optimizer("adam", learning_rate=tx.optimizers.schedules.cosine(1e-3, 1000))`.

    Args:
        schedule: called as `schedule(epoch, learning_rate)` with the epoch from 0 and the present
            rate; or as `schedule(epoch)` when it takes one argument. Returns the new rate.
        verbose: 1 prints each rate.

    Raises:
        ArgumentError: `schedule` is no function of one or two arguments; or it returns no rate; or
            the trainer has no learning rate to set.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), "mse", tx.Optimizer("sgd", learning_rate=0.5))
        >>> halved = tx.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 / 2**epoch)
        >>> history = trainer.fit(x, x, epochs=3, verbose=0, callbacks=[halved])
        >>> history.history["learning_rate"]
        [0.5, 0.25, 0.125]

    Reference:
        Keras, which finds out the number of arguments by calling; an error in the schedule is then
        hidden by another one. Of an optimizer with groups, every group gets the rate for its own.
    """

    adds = ("learning_rate",)

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        self._takes = _number_of_arguments(schedule)
        self.schedule = schedule
        self.verbose = verbose

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """See that there is a rate to set."""
        set_learning_rates(self, learning_rates(self))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        rates = {name: self._rate(epoch, rate) for name, rate in learning_rates(self).items()}
        set_learning_rates(self, rates)
        if self.verbose:
            words = ", ".join(f"{name} is {rate:.6g}" for name, rate in rates.items())
            print(f"Epoch {epoch + 1}: {words}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the rate."""
        if logs is not None:
            log_rates(self, logs)

    def _rate(self, epoch: int, rate: float) -> float:
        new = self.schedule(epoch, rate) if self._takes == 2 else self.schedule(epoch)
        is_number = isinstance(new, numbers.Real) and not isinstance(new, bool)
        if (is_number or (hasattr(new, "dtype") and jnp.shape(new) == ())) and 0 <= new < math.inf:
            return float(new)
        raise ArgumentError(
            "LearningRateScheduler",
            expected="`schedule` to return a learning rate, a finite number from 0 on",
            received=f"{describe(new)} for epoch {epoch}",
            fix="Return for example `learning_rate * 0.9`.",
        )


def _number_of_arguments(schedule: Any) -> int:
    """Return whether a schedule is called with one or with two arguments."""
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):  # no function, or one of C that does not tell
        signature = None
    if callable(schedule):
        for count in (2, 1):
            try:
                if signature is not None:
                    signature.bind(*range(count))
            except TypeError:
                continue
            return count
    raise ArgumentError(
        "LearningRateScheduler",
        expected="`schedule` to be a function of the epoch and the learning rate",
        received=f"schedule={describe(schedule)}",
        fix="Pass for example `lambda epoch, learning_rate: learning_rate * 0.9`.",
    )
