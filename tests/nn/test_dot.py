"""Dot."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

A = jax.random.normal(jax.random.key(0), (2, 3, 5))
B = jax.random.normal(jax.random.key(1), (2, 4, 5))


@pytest.mark.parametrize("axes", [-1, 2, (2, -1), (-1,)])
def test_products_along_the_features(axes: Any) -> None:
    expected = np.einsum("bik,bjk->bij", A, B)
    np.testing.assert_allclose(nn.Dot(axes)(A, B), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(nn.Dot(axes)([A, B]), expected, rtol=1e-5, atol=1e-6)


def test_another_axis_of_each() -> None:
    expected = np.einsum("bik,bji->bkj", A, A.transpose(0, 2, 1))
    np.testing.assert_allclose(
        nn.Dot((1, 2))(A, A.transpose(0, 2, 1)), expected, rtol=1e-5, atol=1e-6
    )


def test_vectors_give_one_number_each() -> None:
    y = nn.Dot()(A[:, 0], B[:, 0])
    assert y.shape == (2, 1)
    np.testing.assert_allclose(y[:, 0], (A[:, 0] * B[:, 0]).sum(-1), rtol=1e-5, atol=1e-6)


def test_normalized_it_is_the_cosine() -> None:
    y = nn.Dot(normalize=True)(A, A)
    np.testing.assert_allclose(jnp.diagonal(y, axis1=1, axis2=2), 1, rtol=1e-5)
    assert not nn.Dot(normalize=True)(jnp.zeros((1, 3)), jnp.zeros((1, 3))).any()
    gradient = jax.grad(lambda x: nn.Dot(normalize=True)(x, x).sum())(jnp.zeros((1, 3)))
    assert jnp.isfinite(gradient).all()


def test_half_precision_keeps_its_dtype() -> None:
    half = nn.Dot(normalize=True)(A.astype(jnp.bfloat16), B.astype(jnp.bfloat16))
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(half, nn.Dot(normalize=True)(A, B), atol=0.03)
    assert nn.Dot()(jnp.ones((1, 2), int), jnp.ones((1, 2), int)).dtype == jnp.float32


@pytest.mark.parametrize("count", [0, 1, 2])
def test_batch_axes(count: int) -> None:
    a, b = (jnp.broadcast_to(x[0, 0], (2, 3, 5)[2 - count :]) for x in (A, B))
    y = nn.Dot(num_batch_axes=count)(a, b)
    assert y.shape == (*(2, 3)[2 - count :], 1)
    np.testing.assert_allclose(y, jnp.vdot(A[0, 0], B[0, 0]), rtol=1e-5, atol=1e-6)


def test_an_empty_batch() -> None:
    assert nn.Dot()(A[:0], B[:0]).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("layer", "arrays", "message"),
    [
        (nn.Dot(0), (A, B), "Dot: expected arrays that have an axis 0, after the batch"),
        (nn.Dot(3), (A, B), "expected arrays that have an axis 3"),
        (nn.Dot(-3), (A, B), "expected arrays that have an axis -3, after the batch"),
        (nn.Dot(1), (A, B), "axis 1 of the first array as long as axis 1 of the second"),
        (nn.Dot(), (A, B[:1]), "equal batches"),
    ],
)
def test_arrays_that_do_not_fit(layer: Any, arrays: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer(*arrays)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axes": (1, 2, 3)}, "`axes` to be one integer, or two"),
        ({"axes": ()}, "`axes` to be one integer, or two"),
        ({"axes": "last"}, "`axes` to be a tuple of integers"),
        ({"num_batch_axes": -1}, "`num_batch_axes` to be an integer of at least 0"),
    ],
)
def test_arguments_are_checked(arguments: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Dot(**arguments)


def test_two_arrays_are_needed() -> None:
    with pytest.raises(ArgumentError, match="Dot: expected 2 arrays, received 3"):
        nn.Dot()(A, A, A)
