"""`Schedule`: a formula with its numbers; and the checks that all schedules share.

In: a step, an integer or a traced integer array. Out: the rate, float32. Nothing mutates.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe


@dataclasses.dataclass(frozen=True, repr=False)
class Schedule:
    """A schedule of learning rates: call it with a step to get the rate.

    It is data: two schedules with the same numbers are equal.

    Args:
        name: what the schedule is called.
        formula: `formula(step, **numbers)` computes the rate.
        numbers: the arguments of the formula, as pairs.

    Returns:
        The rate at a step, a float32 scalar.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.linear(1.0, 4)
        >>> rate
        linear(rate=1.0, steps=4, end=0.0)
        >>> float(rate(1)), rate == tx.optimizers.schedules.linear(1.0, 4)
        (0.75, True)
    """

    name: str
    formula: Callable[..., Any]
    numbers: tuple[tuple[str, Any], ...]

    def __call__(self, step: Any) -> jax.Array:
        return jnp.asarray(self.formula(step, **dict(self.numbers)), jnp.float32)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.numbers)})"


def schedule(formula: Callable[..., Any], name: str, **numbers: Any) -> Schedule:
    """Build a schedule."""
    return Schedule(name, formula, tuple(numbers.items()))


def finite(name: str, where: str, **values: Any) -> None:
    """Refuse rates and factors that are no finite numbers from zero on.

    Raises:
        ArgumentError: one is negative, not finite, or no number.
    """
    for argument, value in values.items():
        if not _is_number(value) or not (math.isfinite(value) and value >= 0):
            raise ArgumentError(
                f"schedules.{name}",
                expected=f"`{argument}` to be {where}, a finite number from 0 on",
                received=f"{argument}={describe(value)}",
                fix="Pass a Python number.",
            )


def count(name: str, least: int = 1, **values: Any) -> None:
    """Refuse numbers of steps that are no integers from `least` on.

    Raises:
        ArgumentError: one is smaller, or no integer.
    """
    for argument, value in values.items():
        if not _is_number(value) or value != int(value) or value < least:
            raise ArgumentError(
                f"schedules.{name}",
                expected=f"`{argument}` to be a number of steps from {least} on",
                received=f"{argument}={describe(value)}",
                fix="Count updates, not epochs: epochs * batches per epoch.",
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def constant(rate: float) -> Schedule:
    """The same rate at every step: `rate`.

    A rate that never changes is better given as a number, which may be set while training.

    Args:
        rate: the rate.

    Raises:
        ArgumentError: `rate` is negative or not finite.

    Example:
        >>> import treexlite as tx
        >>> float(tx.optimizers.schedules.constant(0.5)(100))
        0.5

    Reference:
        `optax.constant_schedule`; torch's `ConstantLR` has a warm-up, see `linear_warmup`.
    """
    finite("constant", "the rate", rate=rate)
    return schedule(_constant, "constant", rate=rate)


def _constant(step: Any, rate: float) -> Any:
    return rate
