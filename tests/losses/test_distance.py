"""Distances between embeddings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import UnknownNameError
from treexlite.losses._distance import (
    DISTANCES,
    Distance,
    between,
    check_distance,
    length,
    pairwise,
    similarities,
    unit,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype(np.float32)


def test_the_length_has_a_gradient_of_zero_at_zero() -> None:
    np.testing.assert_allclose(length(X), np.linalg.norm(X, axis=-1), rtol=1e-6)
    np.testing.assert_array_equal(jax.grad(length)(jnp.zeros(3)), 0)
    np.testing.assert_allclose(jax.grad(length)(X[0]), X[0] / np.linalg.norm(X[0]), rtol=1e-6)


def test_a_vector_of_zeros_has_no_direction() -> None:
    np.testing.assert_array_equal(unit(jnp.zeros((1, 3))), 0)
    assert np.isfinite(jax.jacobian(unit)(jnp.zeros(3))).all()
    np.testing.assert_allclose(length(unit(X)), 1, rtol=1e-6)


@pytest.mark.parametrize("distance", DISTANCES)
def test_all_pairs_have_the_distance_that_each_pair_has(distance: Distance) -> None:
    wanted = [[between(x, y, distance) for y in X] for x in X]
    np.testing.assert_allclose(pairwise(X, distance), wanted, rtol=1e-5, atol=1e-6)


def test_neighbours_far_from_the_origin_keep_their_distance() -> None:
    x = jnp.array([[1000.0, 0], [1000.0, 0.125]])
    np.testing.assert_array_equal(pairwise(x, "euclidean"), [[0, 0.125], [0.125, 0]])


def test_similarities_are_products() -> None:
    np.testing.assert_allclose(similarities(X, 2 * X), 2 * X @ X.T, rtol=1e-5)


def test_an_unknown_distance_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"here: .* a distance .* Did you mean 'cosine'"):
        check_distance("here", "cosin")
