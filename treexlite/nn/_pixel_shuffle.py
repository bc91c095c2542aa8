"""PixelShuffle and PixelUnshuffle: channels become positions, and back.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same numbers in another shape. These layers have no data, so they work without `init`.
"""

from __future__ import annotations

import math
from typing import Any

import jax

from treexlite._core import Module, static
from treexlite._errors import ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import is_int
from treexlite.nn._inputs import as_array


class _Shuffle(Module):
    """What the two have in common: the factors."""

    factor: tuple[int, ...] = static()

    def __init__(self, factor: _window.Sizes) -> None:
        factors = (factor, factor) if is_int(factor) else factor
        self.factor = _window.window_sizes(type(self).__name__, "factor", factors)

    def _prepare(self, x: Any) -> tuple[jax.Array, tuple[int, ...], tuple[int, ...]]:
        """Return `x` as an array, its batch axes and its spatial ones."""
        array = as_array(self, x)
        num_axes = len(self.factor)
        _window.check_rank(type(self).__name__, "factor", array, num_axes, one_axis=False)
        split = array.ndim - 1 - num_axes
        return array, array.shape[:split], array.shape[split:-1]


class PixelShuffle(_Shuffle):
    """Spread channels over a finer grid: each position becomes a block of `factor` positions.

    `y[h * r + i, w * r + j, c] = x[h, w, c * r * r + i * r + j]` for images and factor `r`.

    Args:
        factor: how many times finer each spatial axis gets. One integer is for both axes of images;
            a tuple for as many axes as it has.

    Shapes:
        x: `(batch, *spatial, channels * product of factor)`, with no or several batch axes too; y:
            `(batch, *(spatial * factor), channels)`.

    State:
        None.

    Raises:
        ArgumentError: `factor` holds something else than positive integers.
        ShapeError: `x` has too few axes, or its channels are no multiple of the product of the
            factors.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.PixelShuffle(2)(jnp.arange(4).reshape(1, 1, 1, 4))[0, :, :, 0]
        Array([[0, 1],
               [2, 3]], dtype=int32)

    Reference:
        Shi et al., Real-Time Single Image and Video Super-Resolution (2016). Order of channels as
        in PyTorch's `PixelShuffle`, with channels last. TensorFlow's `depth_to_space` has the
        output channel as the fastest index and not as the slowest.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x, batch, spatial = self._prepare(x)
        num_axes, block = len(self.factor), math.prod(self.factor)
        if x.shape[-1] % block:
            raise ShapeError(
                type(self).__name__,
                expected=f"the channels of `x`, its last axis, to be a multiple of {block}",
                received=f"x={describe(x)}",
                fix="Give the layer before it that many times the channels that you want.",
            )
        channels = x.shape[-1] // block
        x = x.reshape(*batch, *spatial, channels, *self.factor)
        lead = len(batch)
        order = [lead + n for axis in range(num_axes) for n in (axis, num_axes + 1 + axis)]
        x = x.transpose(*range(lead), *order, lead + num_axes)  # (*batch, h, r, w, r, channels)
        finer = (size * by for size, by in zip(spatial, self.factor, strict=True))
        return x.reshape(*batch, *finer, channels)


class PixelUnshuffle(_Shuffle):
    """Undo `PixelShuffle`: each block of `factor` positions becomes channels of one position.

    `y[h, w, c * r * r + i * r + j] = x[h * r + i, w * r + j, c]` for images and factor `r`.

    Args:
        factor: how many times coarser each spatial axis gets. One integer is for both axes of
            images; a tuple for as many axes as it has.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *(spatial /
            factor), channels * product of factor)`.

    State:
        None.

    Raises:
        ArgumentError: `factor` holds something else than positive integers.
        ShapeError: `x` has too few axes, or a spatial axis is no multiple of its factor.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.PixelUnshuffle(2)(jnp.arange(4).reshape(1, 2, 2, 1))
        Array([[[[0, 1, 2, 3]]]], dtype=int32)

    Reference:
        Order of channels as in PyTorch's `PixelUnshuffle`, with channels last.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x, batch, spatial = self._prepare(x)
        if any(size % by for size, by in zip(spatial, self.factor, strict=True)):
            raise ShapeError(
                type(self).__name__,
                expected=f"the spatial axes of `x` to be multiples of factor={self.factor}",
                received=f"x={describe(x)}",
                fix="Cut or pad the input with `Crop` or `Pad` before.",
            )
        coarser = tuple(size // by for size, by in zip(spatial, self.factor, strict=True))
        cut = [part for pair in zip(coarser, self.factor, strict=True) for part in pair]
        channels, lead, num_axes = x.shape[-1], len(batch), len(self.factor)
        x = x.reshape(*batch, *cut, channels)  # (*batch, h, r, w, r, channels)
        positions = range(lead, lead + 2 * num_axes, 2)
        inside = range(lead + 1, lead + 2 * num_axes, 2)
        x = x.transpose(*range(lead), *positions, lead + 2 * num_axes, *inside)
        return x.reshape(*batch, *coarser, channels * math.prod(self.factor))
