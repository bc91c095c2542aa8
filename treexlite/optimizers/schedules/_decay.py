"""Schedules that fall: on a line, a polynomial, an exponential, in steps.

In: a step. Out: the rate. Nothing mutates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from treexlite._errors import ArgumentError
from treexlite.optimizers.schedules._schedule import Schedule, count, finite, schedule


def linear(rate: float, steps: int, *, end: float = 0.0) -> Schedule:
    """Goes from one rate to another on a straight line, then stays.

    `rate + (end - rate) * min(step / steps, 1)`

    Args:
        rate: the rate of step 0.
        steps: when `end` is reached.
        end: the last rate; it may be the higher one.

    Raises:
        ArgumentError: a rate is negative or not finite, or `steps` is no positive integer.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.linear(1.0, 4, end=0.5)
        >>> [float(rate(step)) for step in (0, 2, 4, 9)]
        [1.0, 0.75, 0.5, 0.5]

    Reference:
        `optax.linear_schedule`; torch's `LinearLR`.
    """
    finite("linear", "a rate", rate=rate, end=end)
    count("linear", steps=steps)
    return schedule(_polynomial, "linear", rate=rate, steps=steps, end=end)


def polynomial(rate: float, steps: int, *, end: float = 0.0, power: float = 1.0) -> Schedule:
    """Falls along a polynomial, then stays.

    `end + (rate - end) * (1 - min(step / steps, 1))**power`

    Args:
        rate: the rate of step 0.
        steps: when `end` is reached.
        end: the last rate.
        power: the exponent; 1 is a straight line.

    Raises:
        ArgumentError: a rate is negative or not finite, or `steps` is no positive integer.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.polynomial(1.0, 4, power=2.0)
        >>> [float(rate(step)) for step in (0, 2, 4)]
        [1.0, 0.25, 0.0]

    Reference:
        `optax.polynomial_schedule`; Keras's `PolynomialDecay`, whose `end_learning_rate` is 1e-4.
    """
    finite("polynomial", "a rate", rate=rate, end=end)
    finite("polynomial", "an exponent", power=power)
    count("polynomial", steps=steps)
    return schedule(_polynomial, "polynomial", rate=rate, steps=steps, end=end, power=power)


def _polynomial(step: Any, rate: float, steps: int, end: float, power: float = 1.0) -> Any:
    rest = jnp.where(step >= steps, 0.0, 1 - step / steps)  # exactly 0 at the end, never below
    return end + (rate - end) * rest**power


def exponential(rate: float, steps: int, decay_rate: float, *, staircase: bool = False) -> Schedule:
    """Is multiplied by `decay_rate` every `steps` steps: `rate * decay_rate**(step / steps)`.

    Args:
        rate: the rate of step 0.
        steps: how long one factor takes.
        decay_rate: the factor, above 0.
        staircase: falls at once at the end of each `steps` (the exponent is rounded down).

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.exponential(1.0, 2, 0.25)
        >>> [float(rate(step)) for step in (0, 1, 2)]
        [1.0, 0.5, 0.25]

    Reference:
        Keras's `ExponentialDecay` and `optax.exponential_decay`; torch's `StepLR` with `staircase`.
    """
    finite("exponential", "a rate", rate=rate)
    finite("exponential", "a factor", decay_rate=decay_rate)
    count("exponential", steps=steps)
    numbers = {"decay_rate": decay_rate, "staircase": staircase}
    return schedule(_exponential, "exponential", rate=rate, steps=steps, **numbers)


def _exponential(step: Any, rate: float, steps: int, decay_rate: float, staircase: bool) -> Any:
    exponent = jnp.asarray(step, jnp.float32) / steps
    return rate * decay_rate ** (jnp.floor(exponent) if staircase else exponent)


def piecewise(boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    """Is constant between boundaries: `values[number of boundaries <= step]`.

    Args:
        boundaries: the steps from which the next value holds, rising.
        values: the rates, one more than boundaries.

    Raises:
        ArgumentError: the boundaries do not rise, or the numbers of both do not fit.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.piecewise([2, 4], [1.0, 0.5, 0.25])
        >>> [float(rate(step)) for step in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]

    Reference:
        `optax.piecewise_constant_schedule` and torch's `MultiStepLR`, which take factors instead of
        rates. Keras's `PiecewiseConstantDecay` keeps the old value for one step more.
    """
    boundaries, values = tuple(boundaries), tuple(values)
    for number, value in enumerate(values):
        finite("piecewise", "a rate", **{f"values[{number}]": value})
    for number, step in enumerate(boundaries):
        count("piecewise", 0, **{f"boundaries[{number}]": step})
    if len(values) != len(boundaries) + 1 or sorted(set(boundaries)) != list(boundaries):
        raise ArgumentError(
            "schedules.piecewise",
            expected="boundaries that rise, and one value more than boundaries",
            received=f"{boundaries=}, {values=}",
            fix="`piecewise([10], [0.1, 0.01])` is 0.1 for 10 steps and 0.01 afterwards.",
        )
    return schedule(_piecewise, "piecewise", boundaries=boundaries, values=values)


def _piecewise(step: Any, boundaries: tuple[int, ...], values: tuple[float, ...]) -> Any:
    passed = sum((jnp.asarray(step >= boundary, jnp.int32) for boundary in boundaries), 0)
    return jnp.asarray(values, jnp.float32)[passed]
