"""Axes of an input: how they are named, found and refused."""

import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn._axes import check_axes, find_spatial_axes, resolve_axes

X = jnp.ones((2, 3, 4, 5))


def test_axes_are_counted_from_the_first_in_order_and_once() -> None:
    assert resolve_axes("LayerNorm", "axes", (-1, 1, 3, -3), X) == (1, 3)
    assert resolve_axes("Dropout", "broadcast_axes", (), X) == ()


@pytest.mark.parametrize("axes", [(4,), (0, -5)])
def test_axes_that_the_input_lacks_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"LayerNorm: expected `x` to have the axes axes=\("):
        resolve_axes("LayerNorm", "axes", axes, X)


def test_at_least_one_axis_is_asked_for() -> None:
    assert check_axes("LayerNorm", "axes", -1) == (-1,)
    with pytest.raises(
        ArgumentError, match=r"`axes` to name at least one axis, received axes=\(\)"
    ):
        check_axes("LayerNorm", "axes", ())


def test_spatial_axes_are_those_between_batch_and_channels() -> None:
    assert find_spatial_axes("InstanceNorm", None, X) == (1, 2)
    assert find_spatial_axes("InstanceNorm", (-2,), X) == (2,)


@pytest.mark.parametrize(("axes", "rank"), [(None, 2), (None, 0), ((-1,), 4), ((1, 3), 4)])
def test_the_channels_are_not_among_them(axes: tuple[int, ...] | None, rank: int) -> None:
    with pytest.raises(
        ShapeError, match="InstanceNorm: expected `x` to have spatial axes, between"
    ):
        find_spatial_axes("InstanceNorm", axes, jnp.ones(X.shape[:rank]))
