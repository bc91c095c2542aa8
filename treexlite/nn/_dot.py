"""Dot: the scalar products of two arrays along an axis of each, example by example.

What flows in: two arrays with the same batch axes. What flows out: the other axes of the first,
then those of the second. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import batch_axes, int_axes
from treexlite.nn._merge import Merge
from treexlite.nn._promotion import compute_dtype

_EPSILON = 1e-7  # Keras's: the least norm that is divided by


class Dot(Merge):
    """Multiply two arrays along one axis of each, and sum: `y[b] = sum_k a[b, k] * c[b, k]`.

    Args:
        axes: the axis to sum over, of both arrays, or one for each: `(1, 2)`.
        normalize: whether to divide by the lengths along these axes first, which gives the cosine
            of the angle.
        num_batch_axes: how many leading axes both have in common, 0 for single examples.

    Shapes:
        a: `(batch, *rest, size)`; c: `(batch, *others, size)`, with `size` along `axes`; y:
            `(batch, *rest, *others)`; `(batch, 1)` when there are no others.

    State:
        None.

    Raises:
        ArgumentError: `axes` are not one or two integers, `num_batch_axes` is negative or no
            integer, or there are not two arrays.
        ShapeError: an array lacks the axis, sums over the batch, or does not fit the other one.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Dot(axes=(1, 2))(jnp.ones((2, 3, 5)), jnp.ones((2, 10, 3))).shape
        (2, 5, 10)
        >>> tx.nn.Dot()(jnp.array([[3.0, 4.0]]), jnp.array([[4.0, 3.0]]))
        Array([[24.]], dtype=float32)

    Reference:
        Keras's `Dot`, whose list is taken too.
    """

    count = 2
    axes: tuple[int, ...] = static()
    normalize: bool = static()
    num_batch_axes: int = static()

    def __init__(
        self,
        axes: int | Sequence[int] = -1,
        *,
        normalize: bool = False,
        num_batch_axes: int = 1,
    ) -> None:
        where = type(self).__name__
        pair = int_axes(where, "axes", axes)
        if len(pair) not in (1, 2):
            raise ArgumentError(
                where,
                expected="`axes` to be one integer, or two",
                received=f"axes={describe(axes)}",
                fix="Pass one axis for both arrays, or one for each: `axes=(1, 2)`.",
            )
        self.axes = pair if len(pair) == 2 else pair * 2
        self.normalize = bool(normalize)
        self.num_batch_axes = batch_axes(where, num_batch_axes)

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        axes = [self._own_axis(*each) for each in zip(self.axes, arrays, strict=True)]
        self._check_fit(axes, arrays)
        dtype = compute_dtype(None, *arrays)
        if self.normalize:
            arrays = [_normalized(array, axis) for array, axis in zip(arrays, axes, strict=True)]
        first, second = (array.astype(dtype) for array in arrays)
        batch = range(self.num_batch_axes)
        y = jax.lax.dot_general(first, second, (([axes[0]], [axes[1]]), (batch, batch)))
        return y if y.ndim > self.num_batch_axes else y[..., None]  # (batch, *rest, *others)

    def _own_axis(self, axis: int, array: jax.Array) -> int:
        own = axis % array.ndim if -array.ndim <= axis < array.ndim else -1
        if own < self.num_batch_axes:
            raise ShapeError(
                type(self).__name__,
                expected=f"arrays that have an axis {axis}, after the batch",
                received=f"{describe(array)}, with num_batch_axes={self.num_batch_axes}",
                fix="Choose `axes` of the inputs that are no batch axes.",
            )
        return own

    def _check_fit(self, axes: list[int], arrays: list[jax.Array]) -> None:
        first, second = arrays
        batch = slice(self.num_batch_axes)
        same_batch = first.shape[batch] == second.shape[batch]
        if not same_batch or first.shape[axes[0]] != second.shape[axes[1]]:
            raise ShapeError(
                type(self).__name__,
                expected=f"equal batches, and axis {axes[0]} of the first array as long as axis"
                f" {axes[1]} of the second",
                received=f"{describe(first)} and {describe(second)}",
                fix="Choose `axes` of equal size, for example `axes=(1, 2)`.",
            )


def _normalized(x: jax.Array, axis: int) -> jax.Array:
    """Divide by the length along `axis`, in float32 at least."""
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    square = jnp.square(jnp.abs(x)).sum(axis, keepdims=True)
    return x * jax.lax.rsqrt(jnp.maximum(square, _EPSILON**2))
