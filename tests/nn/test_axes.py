"""Chosen axes: their positions, and parameters laid along them."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn._axes import (
    along,
    check_axes,
    check_sizes,
    find_spatial_axes,
    positions_of,
    resolve_axes,
    sizes_of,
)

X = jnp.zeros((2, 3, 4))


def test_negative_axes_count_from_the_last() -> None:
    assert positions_of("Layer", "axes", (-1, 0, -2), X) == (2, 0, 1)
    assert positions_of("Layer", "axes", (), jnp.zeros(())) == ()


@pytest.mark.parametrize("axes", [(3,), (-4,), (0, 1, -3)])
def test_axes_that_are_not_there_and_the_same_axis_twice_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"Layer: expected `x` to have the axes axes=\("):
        positions_of("Layer", "axes", axes, X)


def test_a_scalar_has_no_axes() -> None:
    with pytest.raises(ShapeError, match="each one once, received x=array of shape"):
        positions_of("Layer", "axes", (-1,), jnp.zeros(()))


def test_sizes() -> None:
    assert sizes_of(X, (2, 0)) == (4, 2)
    check_sizes("Layer", X, (2, 0), "scale", (4, 2))
    with pytest.raises(ShapeError, match=r"axes \(2, 0\) of `x` to have sizes \(2, 4\) \(as `scal"):
        check_sizes("Layer", X, (2, 0), "scale", (2, 4))


def test_a_parameter_is_laid_along_axes_in_any_order() -> None:
    parameter = jnp.arange(8).reshape(4, 2)
    spread = along(parameter, (2, 0), X)
    assert spread.shape == (2, 1, 4)
    np.testing.assert_array_equal(spread[:, 0].T, parameter)


IMAGES = jnp.ones((2, 3, 4, 5))


def test_axes_are_counted_from_the_first_in_order_and_once() -> None:
    assert resolve_axes("LayerNorm", "axes", (-1, 1, 3, -3), IMAGES) == (1, 3)
    assert resolve_axes("Dropout", "broadcast_axes", (), IMAGES) == ()


@pytest.mark.parametrize("axes", [(4,), (0, -5)])
def test_axes_that_the_input_lacks_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"LayerNorm: expected `x` to have the axes axes=\("):
        resolve_axes("LayerNorm", "axes", axes, IMAGES)


def test_at_least_one_axis_is_asked_for() -> None:
    assert check_axes("LayerNorm", "axes", -1) == (-1,)
    with pytest.raises(
        ArgumentError, match=r"`axes` to name at least one axis, received axes=\(\)"
    ):
        check_axes("LayerNorm", "axes", ())


def test_spatial_axes_are_those_between_batch_and_channels() -> None:
    assert find_spatial_axes("InstanceNorm", None, IMAGES) == (1, 2)
    assert find_spatial_axes("InstanceNorm", (-2,), IMAGES) == (2,)


@pytest.mark.parametrize(("axes", "rank"), [(None, 2), (None, 0), ((-1,), 4), ((1, 3), 4)])
def test_the_channels_are_not_among_them(axes: tuple[int, ...] | None, rank: int) -> None:
    with pytest.raises(
        ShapeError, match="InstanceNorm: expected `x` to have spatial axes, between"
    ):
        find_spatial_axes("InstanceNorm", axes, jnp.ones(IMAGES.shape[:rank]))
