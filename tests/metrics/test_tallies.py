"""Sums for many groups at once are exact, whatever the weights and their order."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.metrics import _sums, _tallies

SIZE, GROUPS = 64, 3


def exact(pairs: jax.Array) -> np.ndarray:
    """Return sums as float64 numbers, which hold a pair."""
    return np.asarray(pairs, np.float64).sum(0)


def wanted(index: np.ndarray, weights: np.ndarray) -> list[Fraction]:
    return [
        sum((Fraction(float(w)) for w in weights[index == g]), Fraction()) for g in range(GROUPS)
    ]


@settings(max_examples=examples(20))
@given(
    seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0, 1, 5]), scale=st.integers(-60, 60)
)
def test_sums_of_groups_are_right_to_the_bits_of_a_pair(seed: int, spread: int, scale: int) -> None:
    rng = np.random.default_rng(seed)
    weights = (rng.lognormal(0, spread, SIZE) * 2.0**scale).astype(np.float32)
    index = rng.integers(0, GROUPS + 1, SIZE)
    got = exact(_tallies.by_group(jnp.asarray(index)[None], GROUPS, jnp.asarray(weights)))[0]
    flags = jnp.asarray(index[:, None] == np.arange(GROUPS))[None]
    columns = exact(_tallies.by_column(flags, jnp.asarray(weights)))[0]
    tolerance = weights.astype(np.float64).sum() * 2.0**-45
    for sums in (got, columns):
        for value, right in zip(sums, wanted(index, weights), strict=True):
            assert abs(Fraction(float(value)) - right) <= tolerance


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(SIZE)))
def test_the_order_of_examples_does_not_matter_to_the_last_bit(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    weights = jnp.asarray(rng.uniform(size=SIZE).astype(np.float32))
    index = jnp.asarray(rng.integers(0, GROUPS, SIZE))[None]
    places = np.array(order)
    np.testing.assert_array_equal(
        _tallies.by_group(index, GROUPS, weights),
        _tallies.by_group(index[:, places], GROUPS, weights[places]),
    )


def test_counts_without_weights_are_whole() -> None:
    index = jnp.array([[0, 1, 1, 3], [2, 2, 2, 0]])
    np.testing.assert_array_equal(exact(_tallies.by_group(index, 3, None)), [[1, 2, 0], [1, 0, 3]])
    flags = jnp.array([[[True, False], [True, True]]])
    np.testing.assert_array_equal(exact(_tallies.by_column(flags, None)), [[2, 1]])


def test_what_a_float32_sum_would_lose_is_kept() -> None:
    weights = jnp.array([2.0**24, 1, 1, 2.0**-10], jnp.float32)
    sums = exact(_tallies.by_group(jnp.zeros((1, 4), int), 1, weights))
    assert sums == 2**24 + 2 + 2**-10


@pytest.mark.parametrize("weights", [None, jnp.ones(0)])
def test_the_sums_of_nothing_are_zero(weights: jax.Array | None) -> None:
    sums = _tallies.by_group(jnp.zeros((2, 0), int), 3, weights)
    np.testing.assert_array_equal(sums, np.zeros((2, 2, 3)))
    sums = _tallies.by_column(jnp.zeros((2, 0, 3), bool), weights)
    np.testing.assert_array_equal(sums, np.zeros((2, 2, 3)))


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_not_lost(weight: float) -> None:
    weights = jnp.array([1.0, weight])
    sums = _tallies.by_group(jnp.array([[0, 1]]), 2, weights)
    assert jnp.isnan(_sums.value(sums)).all()


def test_weights_near_the_ends_of_float32_are_summed() -> None:
    for weight in (3e38, 1e-30):
        sums = exact(_tallies.by_group(jnp.array([[0, 1]]), 2, jnp.array([weight, 0])))
        np.testing.assert_allclose(sums, [[np.float32(weight), 0]], rtol=1e-6)


def test_double_precision_elsewhere_changes_nothing() -> None:
    with jax.enable_x64(True):
        sums = _tallies.by_group(jnp.array([[0, 1, 1]]), 2, jnp.array([0.5, 1.0, 2.0]))
        assert sums.dtype == jnp.float32
        np.testing.assert_array_equal(exact(sums), [[0.5, 3]])
