"""GlobalMaxPool and GlobalAvgPool: one value for each channel.

What flows in: `(batch, *spatial, channels)`. What flows out: `(batch, channels)`, or the same with
spatial axes of size 1. These layers have no data, so they work without `init`.
"""

from __future__ import annotations

from typing import Any

import jax

from treexlite._core import Module, static
from treexlite._errors import ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import positive_int
from treexlite.nn._inputs import as_array
from treexlite.nn._pool import back, wide


class _GlobalPool(Module):
    """What the two have in common: the axes they reduce."""

    num_axes: int | None = static()
    keepdims: bool = static()

    def __init__(self, *, num_axes: int | None = None, keepdims: bool = False) -> None:
        where = type(self).__name__
        self.num_axes = None if num_axes is None else positive_int(where, "num_axes", num_axes)
        self.keepdims = bool(keepdims)

    def _prepare(self, x: Any) -> tuple[jax.Array, tuple[int, ...]]:
        """Return `x` as an array, and its spatial axes."""
        array = as_array(self, x)
        needed = 3 if self.num_axes is None else self.num_axes + 1
        if array.ndim < needed:
            axes = "*spatial" if self.num_axes is None else f"{self.num_axes} spatial axes"
            batch = "batch, " if self.num_axes is None else ""
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` of shape ({batch}{axes}, channels)",
                received=f"x={describe(array)}",
                fix="Pass `num_axes`, the number of spatial axes, for inputs without a batch.",
            )
        num_axes = array.ndim - 2 if self.num_axes is None else self.num_axes
        _window.check_not_empty(type(self).__name__, array, num_axes)
        return array, tuple(range(-1 - num_axes, -1))


class GlobalMaxPool(_GlobalPool):
    """Keep the largest value of each channel.

    Args:
        num_axes: number of spatial axes, before the last one; all others are batch axes. None:
            every axis but the first and the last one.
        keepdims: whether the spatial axes stay, with size 1.

    Shapes:
        x: `(batch, *spatial, channels)`; y: `(batch, channels)`. With `num_axes`, no or several
            batch axes too.

    State:
        None.

    Raises:
        ArgumentError: `num_axes` is no positive integer.
        ShapeError: `x` has too few axes, or no positions.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.GlobalMaxPool()(jnp.arange(8.0).reshape(1, 2, 2, 2))
        Array([[6., 7.]], dtype=float32)

    Reference:
        `GlobalMaxPooling1D` to `GlobalMaxPooling3D` of Keras. Of several equal values, each gets
        the same part of the gradient.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x, axes = self._prepare(x)
        return x.max(axes, keepdims=self.keepdims)


class GlobalAvgPool(_GlobalPool):
    """Average each channel.

    Args:
        num_axes: as for `GlobalMaxPool`.
        keepdims: as for `GlobalMaxPool`.

    Shapes:
        x: `(batch, *spatial, channels)`; y: `(batch, channels)`. With `num_axes`, no or several
            batch axes too. Sums are taken in float32 or better; integers give float32.

    State:
        None.

    Raises:
        ArgumentError: `num_axes` is no positive integer.
        ShapeError: `x` has too few axes, or no positions.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.GlobalAvgPool(keepdims=True)(jnp.arange(8.0).reshape(1, 2, 2, 2))
        Array([[[[3., 4.]]]], dtype=float32)

    Reference:
        `GlobalAveragePooling1D` to `GlobalAveragePooling3D` of Keras.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x, axes = self._prepare(x)
        return back(wide(x).mean(axes, keepdims=self.keepdims), x)
