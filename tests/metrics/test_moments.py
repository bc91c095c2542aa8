"""Means and centred products: any batches, any offset."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.metrics import _moments, _sums

PRODUCTS = ((0, 0), (1, 1), (0, 1))


def expected(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and centred products in float64."""
    x, weights = x.astype(np.float64), weights.astype(np.float64)
    mean = (x * weights[:, None]).sum(1) / weights.sum()
    centred = x - mean[:, None]
    return mean, np.stack(
        [(weights[:, None] * centred[i] * centred[j]).sum(0) for i, j in PRODUCTS]
    )


@settings(max_examples=examples(15), deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    offset=st.sampled_from([0.0, 1e4, -1e6]),
    drift=st.sampled_from([0.0, 100.0]),
    weighted=st.booleans(),
)
def test_parts_merge_to_what_float64_finds(
    seed: int, offset: float, drift: float, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(offset, 1, (2, 64, 3)) + drift * np.linspace(0, 1, 64)[:, None]
    x[1] += x[0] - offset
    x = x.astype(np.float32)
    weights = rng.uniform(0.1, 2, 64).astype(np.float32) if weighted else np.ones(64, np.float32)
    found = _moments.empty(2, 3, 3)
    for rows in np.split(np.arange(64), [16, 32, 48]):
        part = _moments.of(jnp.asarray(x[:, rows]), jnp.asarray(weights[rows]), PRODUCTS)
        found = _moments.merge(found, part, PRODUCTS)
    mean, products = expected(x, weights)
    exact = np.asarray(found.mean, np.float64).sum(0)
    np.testing.assert_allclose(exact, mean, rtol=0, atol=3e-7 * (1 + drift))
    scale = np.sqrt(products[0] * products[1])
    np.testing.assert_allclose(_sums.value(found.products)[:2], products[:2], rtol=1e-6)
    assert np.abs(_sums.value(found.products)[2] - products[2]).max() < 1e-6 * scale.max()


@pytest.mark.parametrize("value", [0.1, 12345.678, -1e30])
def test_equal_numbers_do_not_vary_at_all(value: float) -> None:
    weights = jnp.array([0.3, 0.7, 0.1])
    found = _moments.empty(1, 1, 1)
    for weight in (None, weights, weights * 3):
        part = _moments.of(jnp.full((1, 3, 1), value), weight, ((0, 0),))
        found = _moments.merge(found, part, ((0, 0),))
    np.testing.assert_array_equal(_sums.value(found.products), 0)
    np.testing.assert_array_equal(_sums.value(found.mean), np.float32(value))


def test_what_weighs_nothing_is_absent() -> None:
    x = jnp.array([[[jnp.nan], [1.0], [3.0], [jnp.inf]]])
    found = _moments.of(x, jnp.array([0.0, 1, 1, 0]), ((0, 0),))
    assert _sums.value(found.mean).item() == 2
    assert _sums.value(found.products).item() == 2
    none = _moments.of(x, jnp.zeros(4), ((0, 0),))
    empty = _moments.empty(1, 1, 1)
    assert len(jax.tree.leaves(none)) == 3
    jax.tree.map(np.testing.assert_array_equal, none, empty)
    jax.tree.map(np.testing.assert_array_equal, _moments.merge(found, none, ((0, 0),)), found)
    jax.tree.map(np.testing.assert_array_equal, _moments.merge(empty, found, ((0, 0),)), found)


def test_a_batch_without_examples_is_empty() -> None:
    found = _moments.of(jnp.zeros((1, 0, 2)), None, ((0, 0),))
    jax.tree.map(np.testing.assert_array_equal, found, _moments.empty(1, 1, 2))
