"""`Variance` and `Std`."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import Std, Variance

VALUES = np.random.default_rng(0).normal(1e4, 1, 40).astype(np.float32)


@pytest.mark.parametrize("ddof", [0, 1, 0.5])
def test_numbers_far_from_zero_keep_their_spread(ddof: float) -> None:
    variance, std = Variance(ddof=ddof), Std(ddof=ddof)
    for batch in (VALUES[:10], VALUES[10:20], VALUES[20:]):
        variance.update(values=batch)
        std.update(values=batch)
    wanted = VALUES.astype(np.float64).var(ddof=ddof)
    np.testing.assert_allclose(variance.compute(), wanted, rtol=1e-6)
    np.testing.assert_allclose(std.compute(), np.sqrt(wanted), rtol=1e-6)


def test_weights_say_how_often_a_value_occurred() -> None:
    values, times = VALUES[:5], np.array([1, 0, 2, 3, 1])
    wanted = np.cov(np.repeat(values.astype(np.float64), times), ddof=1)
    found = Variance(ddof=1)(values=values, sample_weight=times)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_too_few_values_have_no_variance() -> None:
    assert Variance()(values=jnp.array([3.0])) == 0
    assert jnp.isnan(Variance(ddof=1)(values=jnp.array([3.0])))
    assert jnp.isnan(Std(ddof=1)(values=jnp.array([3.0]), sample_weight=jnp.array([0.5])))


@pytest.mark.parametrize("ddof", [-1, np.inf, np.nan, "1", True])
def test_ddof_is_a_number(ddof: Any) -> None:
    message = "Variance: expected `ddof` to be a finite number of at least 0, received ddof="
    with pytest.raises(ArgumentError, match=message):
        Variance(ddof=ddof)
