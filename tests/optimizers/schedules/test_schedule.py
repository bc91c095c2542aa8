from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError
from treexlite.optimizers import schedules

ALL = {
    "constant": schedules.constant(0.5),
    "cosine": schedules.cosine(0.5, 10, warmup_steps=2, end=0.1),
    "cosine_restarts": schedules.cosine_restarts(0.5, 3),
    "exponential": schedules.exponential(0.5, 3, 0.9),
    "inverse_sqrt": schedules.inverse_sqrt(0.5, 3),
    "linear": schedules.linear(0.5, 7),
    "linear_warmup": schedules.linear_warmup(0.5, 7),
    "noam": schedules.noam(64, 3),
    "one_cycle": schedules.one_cycle(0.5, 10),
    "piecewise": schedules.piecewise([3], [0.5, 0.1]),
    "polynomial": schedules.polynomial(0.5, 7, power=2.0),
}


def test_every_schedule_has_a_row_here() -> None:
    assert set(ALL) | {"Schedule"} == set(schedules.__all__)


@pytest.mark.parametrize("name", ALL)
def test_rates_are_float32_scalars_equal_for_integers_and_arrays(name: str) -> None:
    rates = jax.jit(jax.vmap(ALL[name]))(jnp.arange(12))
    assert rates.dtype == jnp.float32
    for step in (0, 3, 11):
        rate = ALL[name](step)
        assert (rate.shape, rate.dtype) == ((), jnp.float32)
        np.testing.assert_allclose(rate, rates[step], rtol=1e-6, atol=1e-9)
    assert bool((rates >= 0).all())


def test_schedules_with_the_same_numbers_are_equal() -> None:
    assert schedules.cosine(0.5, 10) == schedules.cosine(0.5, 10)
    assert hash(schedules.cosine(0.5, 10)) == hash(schedules.cosine(0.5, 10))
    assert schedules.cosine(0.5, 10) != schedules.cosine(0.5, 11)
    assert repr(schedules.constant(0.5)) == "constant(rate=0.5)"


def test_optimizers_with_equal_schedules_share_their_programs() -> None:
    fast = tx.jit(lambda p, o: o.update(p, p))
    for _ in range(2):
        params = {"x": jnp.ones(2)}
        fast(params, tx.Optimizer("sgd", schedules.one_cycle(0.5, 10)).init(params))
    assert fast.cache_size() == 1


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), "fast", True])
def test_rates_are_finite_numbers_from_zero_on(rate: Any) -> None:
    with pytest.raises(ArgumentError, match=r"schedules.constant: expected `rate` to be the rate"):
        schedules.constant(rate)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "ten"])
def test_steps_are_positive_integers(steps: Any) -> None:
    with pytest.raises(ArgumentError, match=r"schedules.linear: expected `steps` to be a number"):
        schedules.linear(0.1, steps)
