"""Schedules that begin with a warm-up, and never end.

In: a step. Out: the rate. Nothing mutates.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from treexlite.optimizers.schedules._schedule import Schedule, count, finite, schedule


def linear_warmup(rate: float, warmup_steps: int, *, start: float = 0.0) -> Schedule:
    """Rises on a straight line, then stays: `start + (rate - start) * min(step / warmup_steps, 1)`.

    Args:
        rate: the rate after the warm-up.
        warmup_steps: how long it rises.
        start: the rate of step 0.

    Raises:
        ArgumentError: a rate is negative or not finite, or `warmup_steps` is no positive integer.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.linear_warmup(1.0, 4)
        >>> [float(rate(step)) for step in (0, 1, 4, 9)]
        [0.0, 0.25, 1.0, 1.0]

    Reference:
        `optax.warmup_constant_schedule`; torch's `LinearLR(start_factor=start / rate)`.
    """
    finite("linear_warmup", "a rate", rate=rate, start=start)
    count("linear_warmup", warmup_steps=warmup_steps)
    return schedule(
        _linear_warmup, "linear_warmup", rate=rate, warmup_steps=warmup_steps, start=start
    )


def _linear_warmup(step: Any, rate: float, warmup_steps: int, start: float) -> Any:
    return jnp.where(step < warmup_steps, start + (rate - start) * (step / warmup_steps), rate)


def inverse_sqrt(rate: float, warmup_steps: int) -> Schedule:
    """Rises on a straight line, then falls with the root of the step.

    `rate * min(step / warmup_steps, sqrt(warmup_steps / step))`: the peak is `rate`.

    Args:
        rate: the highest rate, that of step `warmup_steps`.
        warmup_steps: how long it rises.

    Raises:
        ArgumentError: `rate` is negative or not finite, or `warmup_steps` is no positive integer.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.inverse_sqrt(1.0, 4)
        >>> [float(rate(step)) for step in (0, 2, 4, 16)]
        [0.0, 0.5, 1.0, 0.5]

    Reference:
        fairseq's `inverse_sqrt`, and `get_inverse_sqrt_schedule` of transformers.
    """
    finite("inverse_sqrt", "a rate", rate=rate)
    count("inverse_sqrt", warmup_steps=warmup_steps)
    return schedule(_inverse_sqrt, "inverse_sqrt", rate=rate, warmup_steps=warmup_steps)


def _inverse_sqrt(step: Any, rate: float, warmup_steps: int) -> Any:
    step = jnp.asarray(step, jnp.float32)
    return rate * jnp.minimum(step / warmup_steps, jnp.sqrt(warmup_steps / jnp.maximum(step, 1.0)))


def noam(features: int, warmup_steps: int = 4000, *, scale: float = 1.0) -> Schedule:
    """The schedule of the first transformer, by the width of the model.

    `scale / sqrt(features) * min(1 / sqrt(n), n / warmup_steps**1.5)` with `n = step + 1`.

    Args:
        features: the width of the model.
        warmup_steps: how long it rises.
        scale: multiplies the rate.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.noam(64, warmup_steps=16)
        >>> float(rate(15)), float(rate(63))
        (0.03125, 0.015625)

    Reference:
        Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, equation 3, whose steps count from 1.
    """
    finite("noam", "a factor", scale=scale)
    count("noam", features=features, warmup_steps=warmup_steps)
    return schedule(_noam, "noam", features=features, warmup_steps=warmup_steps, scale=scale)


def _noam(step: Any, features: int, warmup_steps: int, scale: float) -> Any:
    n = jnp.asarray(step, jnp.float32) + 1
    return scale * features**-0.5 * jnp.minimum(n**-0.5, n * warmup_steps**-1.5)
