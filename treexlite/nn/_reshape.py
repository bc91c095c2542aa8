"""Flatten and Reshape: the axes after the batch become one, or others.

What flows in: an array with the batch first. What flows out: the same numbers in the same order.
Nothing is mutated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import batch_axes, int_axes
from treexlite.nn._inputs import as_array


class Flatten(Module):
    """Merge all axes but the batch into one axis of features.

    Args:
        num_batch_axes: how many leading axes stay; 0 for a single example, as under `vmap`.

    Shapes:
        x: `(batch, *rest)`; y: `(batch, product of rest)`. Without rest, y is `(batch, 1)`.

    State:
        None.

    Raises:
        ArgumentError: `num_batch_axes` is negative or no integer.
        ShapeError: `x` has fewer axes than that.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Flatten()(jnp.ones((8, 4, 4, 3))).shape
        (8, 48)
    """

    num_batch_axes: int = static()

    def __init__(self, *, num_batch_axes: int = 1) -> None:
        self.num_batch_axes = batch_axes(type(self).__name__, num_batch_axes)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        batch, rest = _split(type(self).__name__, x, self.num_batch_axes)
        return x.reshape(*batch, math.prod(rest))  # (batch, features)


class Reshape(Module):
    """Give the axes after the batch another shape.

    Args:
        shape: of one example. One size may be -1: what is left.
        num_batch_axes: how many leading axes stay; 0 for a single example, as under `vmap`.

    Shapes:
        x: `(batch, *rest)`; y: `(batch, *shape)`.

    State:
        None.

    Raises:
        ArgumentError: `shape` has sizes that are no integers of at least 0, or more than one -1;
            `num_batch_axes` is negative or no integer.
        ShapeError: `x` has fewer axes than that, or another number of values.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Reshape((4, -1))(jnp.ones((8, 4, 4, 3))).shape
        (8, 4, 12)

    Reference:
        Keras's `Reshape`.
    """

    shape: tuple[int, ...] = static()
    num_batch_axes: int = static()

    def __init__(self, shape: int | Sequence[int], *, num_batch_axes: int = 1) -> None:
        where = type(self).__name__
        sizes = int_axes(where, "shape", shape)
        if min(sizes, default=0) < -1 or sizes.count(-1) > 1:
            raise ArgumentError(
                where,
                expected="`shape` to have sizes of at least 0, and at most one -1",
                received=f"shape={describe(shape)}",
                fix="Pass the shape of one example, for example `Reshape((28, 28, 1))`.",
            )
        self.shape = sizes
        self.num_batch_axes = batch_axes(where, num_batch_axes)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        batch, rest = _split(type(self).__name__, x, self.num_batch_axes)
        known = math.prod(size for size in self.shape if size != -1)
        left = math.prod(rest) // known if known else 0
        shape = tuple(left if size == -1 else size for size in self.shape)
        if math.prod(shape) != math.prod(rest):
            raise ShapeError(
                type(self).__name__,
                expected=f"examples that can have the shape {self.shape}",
                received=f"x={describe(x)}, with {math.prod(rest)} values in each example",
                fix="Choose a `shape` with as many values, or put -1 for one of its sizes.",
            )
        return x.reshape(*batch, *shape)  # (batch, *shape)


def _split(where: str, x: jax.Array, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sizes of the batch axes and those of the others."""
    if x.ndim < count:
        raise ShapeError(
            where,
            expected=f"`x` to have at least the {count} batch axes",
            received=f"x={describe(x)}",
            fix="Add a batch axis with `x[None]`, or set `num_batch_axes=0`.",
        )
    return x.shape[:count], x.shape[count:]
