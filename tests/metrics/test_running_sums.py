"""Running sums that are as exact as those of `_sums`."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.metrics._running_sums import running_sums


def of(values: np.ndarray) -> np.ndarray:
    pairs = jnp.stack([jnp.asarray(values, jnp.float32), jnp.zeros(len(values))])
    return np.asarray(running_sums(pairs), np.float64).sum(0)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 8, 9, 200])
def test_each_is_the_sum_of_the_numbers_so_far(number: int) -> None:
    values = np.random.default_rng(0).integers(-9, 99, number)
    np.testing.assert_array_equal(of(values), np.cumsum(values))


def test_small_numbers_are_not_lost_beside_large_ones() -> None:
    values = np.array([2.0**24, 1, 1, 2.0**-20, 2.0**24, 1])
    np.testing.assert_array_equal(of(values), np.cumsum(values))


def test_a_nan_stays_where_it_is_seen() -> None:
    np.testing.assert_array_equal(of(np.array([1, np.nan, 2])), [1, np.nan, np.nan])
