"""Permute, ExpandDims and Squeeze: axes in another order, and axes of size 1 made and taken away.

What flows in: an array. What flows out: the same numbers. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import int_axes
from treexlite.nn._inputs import as_array


class Permute(Module):
    """Put the last axes into another order, and leave those before them.

    Args:
        axes: where each axis of the output comes from, as positions in the input: `(2, 1)` swaps
            the two axes behind the batch, `(-1, -2)` the last two of any number, and `(1, 0, 2)`
            moves the batch as well.

    Shapes:
        x: any, with `axes` its last ones; y: the same sizes in the new order.

    State:
        None.

    Raises:
        ArgumentError: `axes` is empty, no tuple of integers, or names an axis twice.
        ShapeError: `axes` are not the last axes of `x`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Permute((2, 1))(jnp.ones((8, 3, 5))).shape
        (8, 5, 3)

    Reference:
        Keras's `Permute`, which counts from 1 behind the batch: the same numbers. PyTorch's
        `permute` and `numpy.transpose`, when all axes are given.
    """

    axes: tuple[int, ...] = static()

    def __init__(self, axes: Sequence[int]) -> None:
        where = type(self).__name__
        self.axes = int_axes(where, "axes", axes)
        if not self.axes or len(set(self.axes)) != len(self.axes):
            raise ArgumentError(
                where,
                expected="`axes` to be different positions, at least one",
                received=f"axes={describe(axes)}",
                fix="Name each axis once, for example `Permute((2, 1))`.",
            )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        kept = x.ndim - len(self.axes)
        order = [axis + x.ndim if axis < 0 else axis for axis in self.axes]
        if sorted(order) != list(range(kept, x.ndim)):
            raise ShapeError(
                type(self).__name__,
                expected=f"`axes={self.axes}` to be the last {len(self.axes)} axes of `x`",
                received=f"x={describe(x)}",
                fix="Name all axes behind those that stay; negative ones count from the last.",
            )
        return x.transpose(*range(kept), *order)


class ExpandDims(Module):
    """Add axes of size 1.

    Args:
        axis: where they stand in the output, one position or several.

    Shapes:
        x: any; y: with 1 at each `axis`.

    State:
        None.

    Raises:
        ArgumentError: `axis` is no integer, and no tuple of them.
        ShapeError: the output would not have such an axis, or have it twice.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.ExpandDims(-1)(jnp.ones((8, 28, 28))).shape
        (8, 28, 28, 1)

    Reference:
        `numpy.expand_dims`.
    """

    axis: tuple[int, ...] = static()

    def __init__(self, axis: int | Sequence[int]) -> None:
        self.axis = int_axes(type(self).__name__, "axis", axis)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        return jnp.expand_dims(x, _own(type(self).__name__, self.axis, x, len(self.axis)))


class Squeeze(Module):
    """Take axes of size 1 away.

    Args:
        axis: their positions in the input, one or several.

    Shapes:
        x: any, with 1 at each `axis`; y: without them.

    State:
        None.

    Raises:
        ArgumentError: `axis` is no integer, and no tuple of them.
        ShapeError: `x` does not have such an axis, or it is larger than 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Squeeze(-1)(jnp.ones((8, 1))).shape
        (8,)

    Reference:
        `numpy.squeeze`; the axes are always named, so that a batch of one stays a batch.
    """

    axis: tuple[int, ...] = static()

    def __init__(self, axis: int | Sequence[int]) -> None:
        self.axis = int_axes(type(self).__name__, "axis", axis)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes = _own(type(self).__name__, self.axis, x, 0)
        for axis in axes:
            if x.shape[axis] != 1:
                raise ShapeError(
                    type(self).__name__,
                    expected=f"axis {axis} of `x` to have size 1",
                    received=f"x={describe(x)}",
                    fix="Choose axes of size 1, or use `tx.nn.Flatten` or `tx.nn.Reduce`.",
                )
        return jnp.squeeze(x, axes)


def _own(where: str, axes: tuple[int, ...], x: jax.Array, new: int) -> tuple[int, ...]:
    """Return `axes` counted from the front, in an array that gets `new` axes."""
    ndim = x.ndim + new
    own = tuple(axis + ndim if axis < 0 else axis for axis in axes)
    if len(set(own)) != len(own) or not set(own) <= set(range(ndim)):
        raise ShapeError(
            where,
            expected=f"{ndim} axes to have {axes} among them, each once",
            received=f"x={describe(x)}",
            fix="Choose other positions; negative ones count from the last.",
        )
    return own
