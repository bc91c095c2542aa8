"""Merge layers, against NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

A, B, C = jax.random.normal(jax.random.key(0), (3, 4, 1, 2))
WIDE = jax.random.normal(jax.random.key(1), (1, 5, 2))

ELEMENTWISE = [
    (nn.Add, lambda a, b: a + b),
    (nn.Subtract, lambda a, b: a - b),
    (nn.Multiply, lambda a, b: a * b),
    (nn.Average, lambda a, b: (a + b) / 2),
    (nn.Maximum, np.maximum),
    (nn.Minimum, np.minimum),
]


@pytest.mark.parametrize(("layer", "f"), ELEMENTWISE)
def test_two_arrays_as_arguments_list_and_tuple(layer: Any, f: Any) -> None:
    expected = f(np.asarray(A), np.asarray(WIDE))
    assert expected.shape == (4, 5, 2)
    for y in (layer()(A, WIDE), layer()([A, WIDE]), layer()((A, np.asarray(WIDE)))):
        np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_more_than_two_and_only_one() -> None:
    np.testing.assert_allclose(nn.Add()(A, B, C), A + B + C, rtol=1e-6)
    np.testing.assert_allclose(nn.Average()(A, B, C), (A + B + C) / 3, rtol=1e-5)
    np.testing.assert_array_equal(nn.Maximum()([A]), A)


@pytest.mark.parametrize(("layer", "f"), ELEMENTWISE)
def test_scalars_fit_everything(layer: Any, f: Any) -> None:
    np.testing.assert_allclose(layer()(2.0, A), f(2.0, np.asarray(A)), rtol=1e-6)
    assert layer()(A.astype(jnp.bfloat16), 2.0).dtype == jnp.bfloat16
    np.testing.assert_allclose(layer()(1.0, 3.0), f(1.0, 3.0), rtol=1e-6)


def test_the_average_of_integers_and_of_halves() -> None:
    y = nn.Average()(jnp.array([1, 2]), jnp.array([2, 2]))
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, [1.5, 2])
    big = jnp.full(2, 60000, jnp.float16)
    np.testing.assert_array_equal(nn.Average()(big, big), big)


def test_dtypes_promote() -> None:
    assert nn.Add()(A.astype(jnp.bfloat16), B).dtype == jnp.float32


def test_empty_axes() -> None:
    assert nn.Add()(jnp.ones((0, 2)), jnp.ones((1, 2))).shape == (0, 2)


def test_the_gradient_of_equal_values_is_shared() -> None:
    gradients = jax.grad(lambda a, b: nn.Maximum()(a, b), argnums=(0, 1))(1.0, 1.0)
    assert gradients == (0.5, 0.5)


def test_in_a_network_after_parallel() -> None:
    model = nn.Sequential(nn.Parallel(jnp.sin, jnp.cos), nn.Multiply())
    np.testing.assert_allclose(tx.jit(model)(A), jnp.sin(A) * jnp.cos(A), rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "arrays", "message"),
    [
        (nn.Add(), (A, WIDE[0]), r"Add: expected array 1 to have 3 axes, .* \(5, 2\).*a\[:, None"),
        (nn.Multiply(), (A, A[:3]), "expected axis 0 of array 1 to have size 4 or 1"),
        (nn.Add(), (A[:1], A, A[:2]), "axis 0 of array 2 to have size 4 or 1"),
        (nn.Add(), (A, A[:0]), "axis 0 of array 1 to have size 4 or 1"),
    ],
)
def test_arrays_that_do_not_fit(layer: Any, arrays: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer(*arrays)


@pytest.mark.parametrize(
    ("layer", "arrays", "message"),
    [
        (nn.Add(), (), "at least one array, received 0 of them"),
        (nn.Add(), ([],), "at least one array"),
        (nn.Subtract(), (A,), "expected 2 arrays, received 1 of them"),
        (nn.Subtract(), (A, A, A), "expected 2 arrays, received 3"),
        (nn.Add(), ({"a": A},), "arrays, or one list or tuple of arrays, received a dict as arg"),
        (nn.Add(), ([A], [A]), "received a list as argument 0"),
    ],
)
def test_what_are_no_arrays(layer: Any, arrays: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        layer(*arrays)
