"""Angles between rows or columns, and Gram matrices."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ShapeError, UnknownNameError
from treexlite.regularizers import Orthogonal, Orthonormal, orthogonal, orthonormal

W = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_the_mean_angle_over_pairs(mode: Any) -> None:
    vectors = W if mode == "rows" else W.T
    pairs = [(a, b) for i, a in enumerate(vectors) for b in vectors[:i]]
    cosines = [abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
    np.testing.assert_allclose(orthogonal(W, 2.0, mode=mode), 2 * np.mean(cosines), rtol=1e-5)


def test_lengths_do_not_matter_to_angles() -> None:
    scaled = W * np.array([[1.0], [0.1], [7.0], [1e-20]], np.float32)
    np.testing.assert_allclose(orthogonal(scaled), orthogonal(W), rtol=1e-5)


def test_a_single_vector_has_no_angle() -> None:
    value, gradient = jax.value_and_grad(orthogonal)(jnp.ones((1, 3)))
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("mode", ["rows", "columns", None])
def test_the_distance_of_the_gram_matrix_from_the_identity(mode: Any) -> None:
    gram = W @ W.T if mode == "rows" else W.T @ W
    expected = 2 * np.square(gram - np.eye(len(gram))).sum()
    np.testing.assert_allclose(orthonormal(W, 2.0, mode=mode), expected, rtol=1e-5)


def test_the_fewer_vectors_are_chosen() -> None:
    np.testing.assert_allclose(orthonormal(W.T), orthonormal(W), rtol=1e-6)
    wide = orthonormal(W, mode="rows")  # 4 vectors in 3 dimensions cannot be orthonormal
    assert wide > orthonormal(W)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (3, 2, 2)])
def test_the_initialiser_of_that_name_has_no_penalty(shape: tuple[int, ...]) -> None:
    kernel = tx.nn.initializers.orthogonal()(jax.random.key(0), shape, "float32")
    assert Orthonormal(1.0)(kernel) < 1e-10


@pytest.mark.parametrize("make", [Orthogonal, Orthonormal])
def test_an_unknown_mode_is_refused(make: Any) -> None:
    message = rf"{make.__name__}: expected the name of a mode \(one of 'columns', 'rows'\), .*'row'"
    with pytest.raises(UnknownNameError, match=message):
        make(mode="row")
    with pytest.raises(UnknownNameError, match="Did you mean 'rows'"):
        orthogonal(W, mode="row")  # type: ignore[arg-type]


def test_a_vector_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"orthonormal: expected a kernel with at least two axes"):
        orthonormal(jnp.ones(3))
