"""Flatten and Reshape."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("num_batch_axes", "shape"),
    [(0, (24,)), (1, (2, 12)), (2, (2, 3, 4)), (3, (2, 3, 4, 1))],
)
def test_all_but_the_batch_axes_become_one(num_batch_axes: int, shape: tuple[int, ...]) -> None:
    x = jnp.arange(24).reshape(2, 3, 4)
    y = nn.Flatten(num_batch_axes=num_batch_axes)(x)
    assert y.shape == shape
    np.testing.assert_array_equal(y.ravel(), np.arange(24))


def test_an_empty_batch_keeps_its_features() -> None:
    assert nn.Flatten()(jnp.ones((0, 2, 3))).shape == (0, 6)


def test_too_few_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match="Flatten: expected `x` to have at least the 1 batch axes"):
        nn.Flatten()(jnp.ones(()))


@pytest.mark.parametrize("value", [-1, 1.0, True, None])
def test_the_number_of_batch_axes_is_checked(value: object) -> None:
    with pytest.raises(ArgumentError, match="`num_batch_axes` to be an integer of at least 0"):
        nn.Flatten(num_batch_axes=value)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((3, 4), (2, 3, 4)), ((-1,), (2, 12)), (-1, (2, 12)), ((2, -1, 3), (2, 2, 2, 3))],
)
def test_the_axes_behind_the_batch_get_another_shape(shape: Any, expected: Any) -> None:
    x = jnp.arange(24).reshape(2, 2, 6)
    y = nn.Reshape(shape)(x)
    assert y.shape == expected
    np.testing.assert_array_equal(y.ravel(), np.arange(24))


def test_other_numbers_of_batch_axes() -> None:
    x = jnp.ones((2, 3, 4))
    assert nn.Reshape((4, 1), num_batch_axes=2)(x).shape == (2, 3, 4, 1)
    assert nn.Reshape((6, -1), num_batch_axes=0)(x).shape == (6, 4)
    assert nn.Reshape(())(jnp.ones((5, 1))).shape == (5,)


def test_an_empty_batch_has_no_unknown_size() -> None:
    assert nn.Reshape((2, -1))(jnp.ones((0, 6))).shape == (0, 2, 3)
    assert nn.Reshape((0, 5))(jnp.ones((3, 0))).shape == (3, 0, 5)


@pytest.mark.parametrize("shape", [(5,), (5, -1), (0, -1), (3, 3)])
def test_shapes_with_other_numbers_of_values_are_refused(shape: Any) -> None:
    with pytest.raises(ShapeError, match=r"Reshape: expected examples .* with 12 values in each"):
        nn.Reshape(shape)(jnp.ones((2, 3, 4)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((-1, -1), "and at most one -1, received"),
        ((2, -2), "`shape` to have sizes of at least 0"),
        ((2, 1.5), "`shape` to be a tuple of integers"),
        (None, "`shape` to be a tuple of integers"),
    ],
)
def test_the_shape_is_checked(shape: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Reshape(shape)


def test_reshape_needs_its_batch_axes() -> None:
    with pytest.raises(ShapeError, match="Reshape: expected `x` to have at least the 2 batch"):
        nn.Reshape((-1,), num_batch_axes=2)(jnp.ones(3))
    with pytest.raises(ArgumentError, match="`num_batch_axes` to be an integer of at least 0"):
        nn.Reshape((-1,), num_batch_axes=-1)
