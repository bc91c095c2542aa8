"""AdaptiveAvgPool and AdaptiveMaxPool: windows that follow from the size of the output.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with as many positions as asked for. These layers have no data, so they work without `init`.

Along an axis of `size` positions, output `i` of `count` covers those from `floor(i * size / count)`
up to, not including, `ceil((i + 1) * size / count)`. Windows of neighbours share a position where
that is no whole number. A box is a product of such intervals, so the axes are reduced one after the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import is_int
from treexlite.nn._inputs import as_array
from treexlite.nn._pool import back, wide

OutputSizes: TypeAlias = "int | Sequence[int | None]"
"""One integer for one axis, or an integer or None for each."""


class _AdaptivePool(Module):
    """What the two have in common: the size of the output, and one axis after the other."""

    output_size: tuple[int | None, ...] = static()
    one_axis: bool = static()

    def __init__(self, output_size: OutputSizes) -> None:
        self.one_axis = is_int(output_size)
        sizes: Any = (output_size,) if self.one_axis else output_size
        valid = isinstance(sizes, Sequence) and not isinstance(sizes, str) and len(sizes) > 0
        if not valid or not all(size is None or (is_int(size) and size > 0) for size in sizes):
            raise ArgumentError(
                type(self).__name__,
                expected="`output_size` to hold a positive integer or None for each axis",
                received=f"output_size={describe(output_size)}",
                fix="Pass `output_size=(7, 7)` for images; None keeps the size of the input.",
            )
        self.output_size = tuple(None if size is None else int(size) for size in sizes)

    def _each_axis(
        self,
        x: jax.Array,
        even: Callable[[jax.Array, int], jax.Array],
        uneven: Callable[[jax.Array, int, int], jax.Array],
    ) -> jax.Array:
        """Reduce every spatial axis to its new size.

        Args:
            x: what `_prepare` returned.
            even: reduces the axis that holds the positions of one window.
            uneven: makes an axis one of so many positions, when windows are not all of one size.
        """
        for axis, count in enumerate(self.output_size, x.ndim - 1 - len(self.output_size)):
            size = x.shape[axis]
            if count is None or count == size:
                continue
            if size % count == 0:
                cut = x.reshape(*x.shape[:axis], count, size // count, *x.shape[axis + 1 :])
                x = even(cut, axis + 1)
            else:
                x = uneven(x, axis, count)
        return x

    def _prepare(self, x: Any) -> jax.Array:
        where, num_axes = type(self).__name__, len(self.output_size)
        array = as_array(self, x)
        _window.check_rank(where, "output_size", array, num_axes, self.one_axis)
        _window.check_not_empty(where, array, num_axes)
        return array


class AdaptiveAvgPool(_AdaptivePool):
    """Average over as many windows as asked for, whatever the size of the input is.

    Args:
        output_size: number of positions along each spatial axis: `(7, 7)` for images. None keeps
            the size of the input along an axis. A plain integer is for sequences, and refuses
            inputs of higher rank.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch,
            *output_size, channels)`. Sums are taken in float32 or better; integers give float32.

    State:
        None.

    Raises:
        ArgumentError: `output_size` holds something else than positive integers and None.
        ShapeError: `x` has too few axes, or no positions.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([0.0, 3.0, 6.0, 9.0, 12.0]).reshape(1, 5, 1)
        >>> tx.nn.AdaptiveAvgPool((2,))(x).ravel()  # of the first three, and the last three
        Array([3., 9.], dtype=float32)

    Reference:
        `AdaptiveAvgPool1d` to `AdaptiveAvgPool3d` of PyTorch.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._prepare(x)
        return back(self._each_axis(wide(x), lambda cut, axis: cut.mean(axis), _averages), x)


class AdaptiveMaxPool(_AdaptivePool):
    """Keep the largest value of as many windows as asked for, whatever the size of the input is.

    Args:
        output_size: as for `AdaptiveAvgPool`.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch,
            *output_size, channels)`.

    State:
        None.

    Raises:
        ArgumentError: `output_size` holds something else than positive integers and None.
        ShapeError: `x` has too few axes, or no positions.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([0.0, 3.0, 6.0, 9.0, 12.0]).reshape(1, 5, 1)
        >>> tx.nn.AdaptiveMaxPool((2,))(x).ravel()
        Array([ 6., 12.], dtype=float32)

    Reference:
        `AdaptiveMaxPool1d` to `AdaptiveMaxPool3d` of PyTorch, without positions. Of several equal
        values, all get a part of the gradient; there the first one gets it all.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._prepare(x)
        return self._each_axis(x, lambda cut, axis: cut.max(axis), _largest)


def _averages(x: jax.Array, axis: int, count: int) -> jax.Array:
    """Average by a product with a matrix of which each row is a window."""
    starts, ends = _windows(x.shape[axis], count)
    places = np.arange(x.shape[axis])
    inside = (places >= starts[:, None]) & (places < ends[:, None])  # (count, size)
    matrix = jnp.asarray(inside / inside.sum(1, keepdims=True), x.dtype)
    y = jnp.tensordot(x, matrix, ((axis,), (1,)), precision=lax.Precision.HIGHEST)
    return jnp.moveaxis(y, -1, axis)


def _largest(x: jax.Array, axis: int, count: int) -> jax.Array:
    """Take the largest of each window; shorter windows read their last position more than once."""
    starts, ends = _windows(x.shape[axis], count)
    longest = int((ends - starts).max())
    places = np.minimum(starts[:, None] + np.arange(longest), ends[:, None] - 1)
    return jnp.take(x, places, axis, mode="clip").max(axis + 1)  # from (.., count, longest, ..)


def _windows(size: int, count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return where the windows start, and where they have ended."""
    numbers = np.arange(count)
    return numbers * size // count, -(-(numbers + 1) * size // count)
