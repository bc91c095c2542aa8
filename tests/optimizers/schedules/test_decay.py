from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from treexlite._errors import ArgumentError
from treexlite.optimizers import schedules

STEPS = jnp.arange(20)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (schedules.linear(0.5, 7, end=0.1), optax.linear_schedule(0.5, 0.1, 7)),
        (schedules.polynomial(0.5, 7, power=2.0), optax.polynomial_schedule(0.5, 0.0, 2.0, 7)),
        (schedules.exponential(0.5, 7, 0.3), optax.exponential_decay(0.5, 7, 0.3)),
        (
            schedules.exponential(0.5, 7, 0.3, staircase=True),
            optax.exponential_decay(0.5, 7, 0.3, staircase=True),
        ),
        (
            schedules.piecewise([3, 9], [0.5, 0.25, 0.125]),
            optax.piecewise_constant_schedule(0.5, {3: 0.5, 9: 0.5}),
        ),
    ],
)
def test_schedules_that_fall_are_those_of_optax(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(jax.vmap(ours)(STEPS), jax.vmap(theirs)(STEPS), rtol=1e-6, atol=1e-7)


def test_a_piecewise_rate_may_be_zero_in_between() -> None:
    rate = schedules.piecewise([1, 2], [0.5, 0.0, 0.25])
    assert [float(rate(step)) for step in range(4)] == [0.5, 0.0, 0.25, 0.25]
    assert float(schedules.piecewise([], [0.5])(jnp.int32(3))) == 0.5


@pytest.mark.parametrize(("boundaries", "values"), [([3], [0.1]), ([3, 2], [1, 1, 1]), ([], [])])
def test_boundaries_rise_and_have_values_around_them(boundaries: Any, values: Any) -> None:
    with pytest.raises(ArgumentError, match=r"schedules.piecewise: expected boundaries that rise"):
        schedules.piecewise(boundaries, values)
