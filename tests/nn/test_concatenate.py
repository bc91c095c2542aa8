"""Concatenate and Stack, against NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

A, B, C = jax.random.normal(jax.random.key(0), (3, 4, 1, 2))


@pytest.mark.parametrize("axis", [-3, 0, 1, 2])
def test_concatenate_along(axis: int) -> None:
    arrays = [np.asarray(A), np.asarray(B), np.asarray(C)]
    np.testing.assert_array_equal(nn.Concatenate(axis)(*arrays), np.concatenate(arrays, axis))
    np.testing.assert_array_equal(nn.Stack(axis)(*arrays), np.stack(arrays, axis))


def test_a_list_and_empty_axes() -> None:
    assert nn.Concatenate()([A, B, C]).shape == (4, 1, 6)
    assert nn.Concatenate()(jnp.ones((0, 2)), jnp.ones((0, 3))).shape == (0, 5)
    assert nn.Stack()(1.0, 2.0).shape == (2,)


def test_dtypes_promote() -> None:
    for layer in (nn.Concatenate(), nn.Stack()):
        assert layer(jnp.ones((1, 2), jnp.int32), jnp.ones((1, 2))).dtype == jnp.float32


@pytest.mark.parametrize(
    ("layer", "arrays", "message"),
    [
        (nn.Concatenate(), (A, A[:3]), "the same sizes, except along axis 2, .* array 1"),
        (nn.Concatenate(), (A, A[0]), "the same sizes, except along axis 2"),
        (nn.Concatenate(3), (A, A), r"arrays that have an axis 3, .*`axis` from -3 to 2"),
        (nn.Concatenate(), (1.0, 2.0), "arrays that have an axis -1, .* Give them an axis"),
        (nn.Stack(-5), (A, A), "arrays that have an axis -5, .*`axis` from -4 to 3"),
        (nn.Stack(), (A, A[:3]), "all arrays to have the same shape, .* array 1"),
    ],
)
def test_arrays_that_do_not_fit(layer: Any, arrays: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer(*arrays)


def test_arrays_are_needed() -> None:
    with pytest.raises(ArgumentError, match="Stack: expected at least one array, received 0"):
        nn.Stack()()


@pytest.mark.parametrize("layer", [nn.Concatenate, nn.Stack])
@pytest.mark.parametrize("axis", [1.0, None, (1,), True])
def test_the_axis_is_checked(layer: Any, axis: object) -> None:
    with pytest.raises(ArgumentError, match="`axis` to be an integer"):
        layer(axis)
