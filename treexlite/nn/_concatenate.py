"""Concatenate and Stack: arrays one behind the other, or side by side along a new axis.

What flows in: arrays, as arguments of their own or as one list or tuple. What flows out: one array,
in the type that they promote to. Nothing is mutated.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import int_axis
from treexlite.nn._merge import Merge


class Concatenate(Merge):
    """Put arrays one behind the other along an axis.

    Args:
        axis: along which; -1 for the features. 0 is the batch.

    Shapes:
        each array: of the same rank and the same sizes, except along `axis`; y: the same, with the
            sum of the sizes along `axis`.

    State:
        None.

    Raises:
        ArgumentError: `axis` is no integer, or there are no arrays.
        ShapeError: the arrays do not have the axis, or do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Concatenate()(jnp.ones((2, 3)), jnp.ones((2, 4))).shape
        (2, 7)

    Reference:
        Keras's `Concatenate`, whose list is taken too.
    """

    axis: int = static()

    def __init__(self, axis: int = -1) -> None:
        self.axis = int_axis(type(self).__name__, "axis", axis)

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        axis = _own_axis(where, self.axis, arrays[0], 0)
        first = arrays[0]
        for position, array in enumerate(arrays):
            rest = (size for number, size in enumerate(array.shape) if number != axis)
            wanted = (size for number, size in enumerate(first.shape) if number != axis)
            if array.ndim != first.ndim or tuple(rest) != tuple(wanted):
                raise ShapeError(
                    where,
                    expected=f"all arrays to have the same sizes, except along axis {axis}",
                    received=f"array 0: {describe(first)}, array {position}: {describe(array)}",
                    fix="Bring them to one shape, or choose another `axis`.",
                )
        return jnp.concatenate(arrays, axis)


class Stack(Merge):
    """Put arrays side by side along a new axis.

    Args:
        axis: where the new axis stands in the output; -1 puts it last.

    Shapes:
        each array: the same; y: with one axis more, of size `number of arrays`.

    State:
        None.

    Raises:
        ArgumentError: `axis` is no integer, or there are no arrays.
        ShapeError: the shapes differ, or there is no such place for an axis.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Stack(axis=1)(jnp.ones((2, 3)), jnp.zeros((2, 3))).shape
        (2, 2, 3)

    Reference:
        `numpy.stack`, which puts the new axis first.
    """

    axis: int = static()

    def __init__(self, axis: int = -1) -> None:
        self.axis = int_axis(type(self).__name__, "axis", axis)

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        axis = _own_axis(where, self.axis, arrays[0], 1)
        for position, array in enumerate(arrays):
            if array.shape != arrays[0].shape:
                raise ShapeError(
                    where,
                    expected="all arrays to have the same shape",
                    received=f"array 0: {describe(arrays[0])}, array {position}: {describe(array)}",
                    fix="Bring them to one shape, or use `tx.nn.Concatenate`.",
                )
        return jnp.stack(arrays, axis)


def _own_axis(where: str, axis: int, array: jax.Array, new: int) -> int:
    """Return `axis` counted from the front, in an array that gets `new` axes."""
    ndim = array.ndim + new
    if not -ndim <= axis < ndim:
        raise ShapeError(
            where,
            expected=f"arrays that have an axis {axis}",
            received=f"array 0: {describe(array)}",
            fix=f"Choose an `axis` from {-ndim} to {ndim - 1}." if ndim else "Give them an axis.",
        )
    return axis % ndim
