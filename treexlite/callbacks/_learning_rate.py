"""The learning rate of a trainer, as numbers by name.

In: a callback with a trainer. Out: `{"learning_rate": number}`, or `learning_rate_<group>` for each
group of an optimizer with groups. What mutates: the optimizer, by `set_learning_rates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treexlite._errors import ArgumentError
from treexlite.callbacks._callback import Callback

_NAME = "learning_rate"


def learning_rates(callback: Callback) -> dict[str, float]:
    """Return the learning rates of the next step, as Python floats.

    Raises:
        ArgumentError: there is no optimizer, or it does not show its rate.
    """
    optimizer = callback.trainer.optimizer
    if optimizer is None:
        raise ArgumentError(
            type(callback).__name__,
            expected="a trainer with an optimizer",
            received="optimizer=None",
            fix="Build the trainer with one: `Trainer(model, loss, optimizer='adam')`.",
        )
    rate = optimizer.learning_rate
    if isinstance(rate, Mapping):
        return {f"{_NAME}_{group}": float(value) for group, value in rate.items()}
    return {_NAME: float(rate)}


def set_learning_rates(callback: Callback, rates: Mapping[str, float]) -> None:
    """Give the optimizer other rates, by the names of `learning_rates`.

    Raises:
        ArgumentError: a rate cannot be set, because it is a schedule or inside of a function.
    """
    optimizer = callback.trainer.optimizer
    if _NAME in rates:
        optimizer.learning_rate = rates[_NAME]
    else:
        groups = {name.removeprefix(f"{_NAME}_"): rate for name, rate in rates.items()}
        optimizer.learning_rate = groups


def log_rates(callback: Callback, logs: dict[str, Any]) -> None:
    """Add the rates to the logs of an epoch, unless another callback has done so."""
    for name, rate in learning_rates(callback).items():
        logs.setdefault(name, rate)
