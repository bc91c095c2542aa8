from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from treexlite._errors import ArgumentError
from treexlite.optimizers import schedules

STEPS = jnp.arange(30)


@pytest.mark.parametrize("warmup_steps", [0, 5])
def test_the_cosine_is_that_of_optax(warmup_steps: int) -> None:
    ours = schedules.cosine(0.5, 20, warmup_steps=warmup_steps, start=0.1, end=0.2)
    theirs = optax.warmup_cosine_decay_schedule(0.1, 0.5, warmup_steps, 20, 0.2)
    np.testing.assert_allclose(jax.vmap(ours)(STEPS), jax.vmap(theirs)(STEPS), rtol=1e-6)
    assert float(ours(20)) == pytest.approx(0.2, abs=1e-7)


def test_one_cycle_is_that_of_optax() -> None:
    ours = jax.vmap(schedules.one_cycle(0.5, 20, pct_start=0.4, div_factor=10.0))(STEPS)
    theirs = jax.vmap(optax.cosine_onecycle_schedule(20, 0.5, 0.4, 10.0))(STEPS)
    np.testing.assert_array_equal(ours, theirs)
    assert int(ours.argmax()) == 8


@pytest.mark.parametrize("t_mul", [1.0, 1.5, 2.0, 3.0])
def test_restarts_begin_where_the_periods_do(t_mul: float) -> None:
    rates = np.asarray(jax.vmap(schedules.cosine_restarts(1.0, 4, t_mul=t_mul, m_mul=0.5))(STEPS))
    start, length, height, expected = 0.0, 4.0, 1.0, []
    for step in range(30):
        while step >= start + length - 1e-9:
            start, length, height = start + length, length * t_mul, height / 2
        expected.append(height * (1 + np.cos(np.pi * (step - start) / length)) / 2)
    np.testing.assert_allclose(rates, expected, atol=1e-5)


def test_a_warm_up_is_shorter_than_the_whole() -> None:
    with pytest.raises(
        ArgumentError, match=r"schedules.cosine: expected a warm-up that is shorter"
    ):
        schedules.cosine(0.1, 10, warmup_steps=10)


def test_the_rise_of_a_cycle_is_a_share() -> None:
    with pytest.raises(ArgumentError, match=r"schedules.one_cycle: expected 0 < pct_start < 1"):
        schedules.one_cycle(0.1, 10, pct_start=1.0)


def test_periods_do_not_become_shorter() -> None:
    with pytest.raises(ArgumentError, match=r"schedules.cosine_restarts: .*t_mul=0.5"):
        schedules.cosine_restarts(0.1, 10, t_mul=0.5)
