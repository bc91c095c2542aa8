"""Permute, ExpandDims and Squeeze, against NumPy."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jnp.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("axes", "full"),
    [
        ((3, 1, 2), (0, 3, 1, 2)),
        ((-1, -2), (0, 1, 3, 2)),
        ((-3, 3, -2), (0, 1, 3, 2)),
        ((3, 2, 1, 0), (3, 2, 1, 0)),
        ([-1], (0, 1, 2, 3)),
    ],
)
def test_the_last_axes_are_permuted(axes: Any, full: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(nn.Permute(axes)(X), np.transpose(X, full))


def test_any_number_of_leading_axes() -> None:
    for x in (X[0, 0], X[0], X, X[None]):
        np.testing.assert_array_equal(nn.Permute((-1, -2))(x), jnp.swapaxes(x, -1, -2))


@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (0, 3), (4, 3), (3, -1), (-5, -1)])
def test_axes_that_are_not_the_last_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"Permute: expected `axes=\(.*\)` to be the last 2 axes"):
        nn.Permute(axes)(X)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ((), "different positions, at least one"),
        ((1, 1), "different positions"),
        ("ab", "a tuple of integers"),
        (None, "a tuple of integers"),
    ],
)
def test_axes_are_checked(axes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Permute(axes)


@pytest.mark.parametrize("axis", [0, -1, 4, (0, -1), (1, 3), ()])
def test_axes_of_size_one_are_made_and_taken_away(axis: Any) -> None:
    expected = np.expand_dims(X, axis)
    y = nn.ExpandDims(axis)(X)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(nn.Squeeze(axis)(y), X)


def test_a_batch_of_one_stays() -> None:
    assert nn.Squeeze(-1)(jnp.ones((1, 3, 1))).shape == (1, 3)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.ExpandDims(5), r"ExpandDims: expected 5 axes to have \(5,\) among them"),
        (nn.ExpandDims((0, -6)), "each once"),
        (nn.Squeeze(4), r"Squeeze: expected 4 axes to have \(4,\) among them"),
        (nn.Squeeze((0, -4)), "each once"),
        (nn.Squeeze(1), "expected axis 1 of `x` to have size 1"),
    ],
)
def test_axes_that_are_not_there(layer: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer(X)


@pytest.mark.parametrize("layer", [nn.ExpandDims, nn.Squeeze])
def test_the_axis_is_checked(layer: Any) -> None:
    with pytest.raises(ArgumentError, match="`axis` to be a tuple of integers"):
        layer(None)
