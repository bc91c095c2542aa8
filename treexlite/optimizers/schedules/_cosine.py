"""Schedules that follow half a period of the cosine.

In: a step. Out: the rate. Nothing mutates.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import optax

from treexlite._errors import ArgumentError
from treexlite.optimizers.schedules._schedule import Schedule, count, finite, schedule


def cosine(
    rate: float, steps: int, *, warmup_steps: int = 0, start: float = 0.0, end: float = 0.0
) -> Schedule:
    """Falls along half a cosine, after a linear warm-up if one is wanted.

    In the warm-up `start + (rate - start) * step / warmup_steps`; after it
    `end + (rate - end) * (1 + cos(pi * t)) / 2`, with `t` from 0 to 1 over the rest; then `end`.

    Args:
        rate: the highest rate.
        steps: when `end` is reached; the warm-up counts.
        warmup_steps: how long the rate rises first.
        start: the rate of step 0, when there is a warm-up.
        end: the last rate.

    Raises:
        ArgumentError: a number is out of its range, or the warm-up is not shorter than `steps`.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.cosine(1.0, 8, warmup_steps=4)
        >>> [round(float(rate(step)), 3) for step in (0, 2, 4, 6, 8, 99)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]

    Reference:
        Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983. The numbers are those of
        `optax.warmup_cosine_decay_schedule`. The `decay_steps` of Keras's `CosineDecay` does not
        count the warm-up, and its `alpha` is `end / rate`.
    """
    finite("cosine", "a rate", rate=rate, start=start, end=end)
    count("cosine", steps=steps)
    count("cosine", 0, warmup_steps=warmup_steps)
    if warmup_steps >= steps:
        raise ArgumentError(
            "schedules.cosine",
            expected="a warm-up that is shorter than the whole",
            received=f"warmup_steps={warmup_steps}, steps={steps}",
            fix="`steps` counts the warm-up: pass warmup_steps + the steps of the descent.",
        )
    numbers = {"warmup_steps": warmup_steps, "start": start, "end": end}
    return schedule(_cosine, "cosine", rate=rate, steps=steps, **numbers)


def _cosine(step: Any, rate: float, steps: int, warmup_steps: int, start: float, end: float) -> Any:
    descent = _half_cosine(jnp.clip((step - warmup_steps) / (steps - warmup_steps), 0, 1))
    rise = start + (rate - start) * jnp.minimum(step / max(warmup_steps, 1), 1)
    return jnp.where(step < warmup_steps, rise, end + (rate - end) * descent)


def _half_cosine(t: Any) -> Any:
    """From 1 at `t = 0` to 0 at `t = 1`, both exactly."""
    return 0.5 * (1 + jnp.cos(math.pi * t))


def one_cycle(
    rate: float,
    steps: int,
    *,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Rises along half a cosine and falls along another, to almost nothing.

    From `rate / div_factor` to `rate` in the first `int(pct_start * steps)` steps, then to
    `rate / (div_factor * final_div_factor)` in the rest.

    Args:
        rate: the highest rate.
        steps: how long the cycle is; the last rate stays afterwards.
        pct_start: the share of the rise, between 0 and 1.
        div_factor: how far below the peak it begins.
        final_div_factor: how far below the beginning it ends.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.one_cycle(1.0, 10, div_factor=10.0)
        >>> [round(float(rate(step)), 3) for step in (0, 3, 10)]
        [0.1, 1.0, 0.0]

    Reference:
        Smith & Topin 2017, https://arxiv.org/abs/1708.07120. As `optax.cosine_onecycle_schedule`;
        torch's `OneCycleLR` ends one step earlier, at step `steps - 1`.
    """
    finite("one_cycle", "a rate", rate=rate)
    finite("one_cycle", "a factor", div_factor=div_factor, final_div_factor=final_div_factor)
    count("one_cycle", steps=steps)
    if not (0 < pct_start < 1 and div_factor > 0 and final_div_factor > 0):
        raise ArgumentError(
            "schedules.one_cycle",
            expected="0 < pct_start < 1, and factors above 0",
            received=f"{pct_start=}, {div_factor=}, {final_div_factor=}",
            fix="`pct_start` is the share of the rise: 0.3 is usual.",
        )
    factors = {"pct_start": pct_start, "div_factor": div_factor}
    factors["final_div_factor"] = final_div_factor
    return schedule(_one_cycle, "one_cycle", rate=rate, steps=steps, **factors)


def _one_cycle(
    step: Any, rate: float, steps: int, pct_start: float, div_factor: float, final_div_factor: float
) -> Any:
    cycle = optax.schedules.cosine_onecycle_schedule(
        steps, rate, pct_start, div_factor, final_div_factor
    )
    return cycle(step)


def cosine_restarts(
    rate: float, steps: int, *, t_mul: float = 2.0, m_mul: float = 1.0, end: float = 0.0
) -> Schedule:
    """Falls along half a cosine again and again, each time longer and from another height.

    Period `i` has `steps * t_mul**i` steps and falls from `rate * m_mul**i` to `end`:
    `end + (rate * m_mul**i - end) * (1 + cos(pi * t)) / 2`, with `t` from 0 to 1 over the period.

    Args:
        rate: the rate at the beginning.
        steps: the length of the first period.
        t_mul: how much longer each period is than the one before, 1 or more.
        m_mul: how much each restart is scaled.
        end: the rate that each period falls to.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> import treexlite as tx
        >>> rate = tx.optimizers.schedules.cosine_restarts(1.0, 4, m_mul=0.5)
        >>> [round(float(rate(step)), 3) for step in (0, 2, 4, 8, 12)]
        [1.0, 0.5, 0.5, 0.25, 0.25]

    Reference:
        Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983; Keras's `CosineDecayRestarts`,
        whose `alpha` is `end / rate` and is scaled by `m_mul` as well; torch's
        `CosineAnnealingWarmRestarts` has `m_mul = 1`.
    """
    finite("cosine_restarts", "a rate", rate=rate, end=end)
    finite("cosine_restarts", "a factor", t_mul=t_mul, m_mul=m_mul)
    count("cosine_restarts", steps=steps)
    if t_mul < 1:
        raise ArgumentError(
            "schedules.cosine_restarts",
            expected="periods that do not become shorter",
            received=f"{t_mul=}",
            fix="Pass 1 for periods of one length, 2 to double each.",
        )
    numbers = {"t_mul": t_mul, "m_mul": m_mul, "end": end}
    return schedule(_cosine_restarts, "cosine_restarts", rate=rate, steps=steps, **numbers)


def _cosine_restarts(
    step: Any, rate: float, steps: int, t_mul: float, m_mul: float, end: float
) -> Any:
    step = jnp.asarray(step, jnp.float32)
    if t_mul == 1:
        period = jnp.floor(step / steps)
        t = step / steps - period
    else:

        def start(period: Any) -> Any:
            return steps * (t_mul**period - 1) / (t_mul - 1)

        period = jnp.floor(jnp.log1p(step * (t_mul - 1) / steps) / math.log(t_mul))
        period = jnp.where(start(period + 1) <= step, period + 1, period)  # logarithms are rounded
        period = jnp.where(start(period) > step, period - 1, period)
        t = (step - start(period)) / (steps * t_mul**period)
    return end + (rate * m_mul**period - end) * _half_cosine(t)
