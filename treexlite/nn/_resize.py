"""Resize and Upsample: the same picture on another grid.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with another number of positions. These layers have no data, so they work without `init`.

Positions are centres of cells: position `i` of `n` stands at `(i + 1/2) / n` of the way. This is
the rule of `jax.image.resize`, which does the work, of TensorFlow 2, and of PyTorch's
`align_corners=False`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe, unknown_name
from treexlite.nn import _window
from treexlite.nn._arguments import is_int
from treexlite.nn._inputs import as_array
from treexlite.nn._pool import back, wide

Scales: TypeAlias = "float | Sequence[float]"
"""One positive number for one axis, or one for each."""

METHODS = ("nearest", "linear", "cubic", "lanczos3", "lanczos5")


class Resize(Module):
    """Interpolate to a given size.

    Args:
        size: number of positions along each spatial axis: `(224, 224)` for images. A plain integer
            is for sequences, and refuses inputs of higher rank.
        method: `"nearest"`, `"linear"` (also for images, where it is called bilinear, and volumes),
            `"cubic"` (Keys, with a = -0.5), `"lanczos3"` or `"lanczos5"`.
        antialias: whether to average over more positions when the size shrinks, so that fine
            patterns fade instead of turning into coarse ones. `"nearest"` never does.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *size,
            channels)`. `"nearest"` keeps the dtype of x; with the others integers give float32.

    State:
        None.

    Raises:
        ArgumentError: `size` is no tuple of positive integers.
        UnknownNameError: no method has that name.
        ShapeError: `x` has too few axes, or no positions.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([0.0, 4.0]).reshape(1, 2, 1)
        >>> tx.nn.Resize((4,), method="linear")(x).ravel()
        Array([0., 1., 3., 4.], dtype=float32)

    Reference:
        `jax.image.resize`, as Keras's `Resizing` with the JAX backend. PyTorch's `interpolate` with
        `align_corners=False` gives the same for `linear`, with and without antialias, and its
        `nearest-exact` for `nearest`. Its `nearest` rounds the lower edges of cells down and not
        their centres, which is the same for whole factors of enlargement only; its `cubic` has
        a = -0.75.
    """

    size: tuple[int, ...] = static()
    one_axis: bool = static()
    method: str = static()
    antialias: bool = static()

    def __init__(
        self, size: _window.Sizes, *, method: str = "linear", antialias: bool = True
    ) -> None:
        where = type(self).__name__
        self.size = _window.window_sizes(where, "size", size)
        self.one_axis = is_int(size)
        self.method = _method(where, method)
        self.antialias = bool(antialias)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        where, num_axes = type(self).__name__, len(self.size)
        _window.check_rank(where, "size", x, num_axes, self.one_axis)
        _window.check_not_empty(where, x, num_axes)
        return _resized(x, self.size, self.method, self.antialias)


class Upsample(Module):
    """Interpolate to a multiple of the size.

    Args:
        scale: factor along each spatial axis: `(2, 2)` for images. The new size is `scale` times
            the old one, rounded down. A plain number is for sequences, and refuses inputs of higher
            rank.
        method: as for `Resize`. `"nearest"` with whole factors repeats values.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            channels)`.

    State:
        None.

    Raises:
        ArgumentError: `scale` is no tuple of positive numbers.
        UnknownNameError: no method has that name.
        ShapeError: `x` has too few axes or no positions, or none are left.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Upsample((2,))(jnp.array([1.0, 5.0]).reshape(1, 2, 1)).ravel()
        Array([1., 1., 5., 5.], dtype=float32)

    Reference:
        PyTorch's `Upsample` with `align_corners=False`, for whole factors, and with
        `recompute_scale_factor=True` for others; Keras's `UpSampling1D` to `UpSampling3D`.
        Scales below 1 average over more positions as `Resize(antialias=True)` does.
    """

    factors: tuple[float, ...] = static()  # the argument `scale`; parameters have that name
    one_axis: bool = static()
    method: str = static()

    def __init__(self, scale: Scales, *, method: str = "nearest") -> None:
        where = type(self).__name__
        self.one_axis = _is_positive(scale)
        scales: Any = (scale,) if self.one_axis else scale
        valid = isinstance(scales, Sequence) and not isinstance(scales, str) and len(scales) > 0
        if not valid or not all(map(_is_positive, scales)):
            raise ArgumentError(
                where,
                expected="`scale` to be a tuple of positive numbers, one for each axis",
                received=f"scale={describe(scale)}",
                fix="Pass `scale=(2, 2)` for images, `scale=(2,)` for sequences.",
            )
        self.factors = tuple(map(float, scales))
        self.method = _method(where, method)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        where, num_axes = type(self).__name__, len(self.factors)
        _window.check_rank(where, "scale", x, num_axes, self.one_axis)
        _window.check_not_empty(where, x, num_axes)
        if self.method == "nearest" and all(factor.is_integer() for factor in self.factors):
            return self._repeated(x)
        spatial = x.shape[-1 - num_axes : -1]
        sizes = tuple(int(size * by) for size, by in zip(spatial, self.factors, strict=True))
        if 0 in sizes:
            raise ShapeError(
                where,
                expected="the output to have at least one position along each axis",
                received=f"x={describe(x)} and scale={self.factors}, which make {sizes}",
                fix="Choose a larger `scale`, or pass larger inputs.",
            )
        return _resized(x, sizes, self.method, antialias=True)

    def _repeated(self, x: jax.Array) -> jax.Array:
        """Repeat values by broadcasting, of which the gradient is a sum and no scatter."""
        split = x.ndim - 1 - len(self.factors)
        batch, spatial, channels = x.shape[:split], x.shape[split:-1], x.shape[-1]
        factors = tuple(map(int, self.factors))
        apart = [part for size in spatial for part in (size, 1)]
        filled = [part for pair in zip(spatial, factors, strict=True) for part in pair]
        x = x.reshape(*batch, *apart, channels)
        # (*batch, size, factor, size, factor, ..., channels)
        x = jnp.broadcast_to(x, (*batch, *filled, channels))
        sizes = (size * factor for size, factor in zip(spatial, factors, strict=True))
        return x.reshape(*batch, *sizes, channels)


def _resized(x: jax.Array, sizes: tuple[int, ...], method: str, antialias: bool) -> jax.Array:
    shape = (*x.shape[: -1 - len(sizes)], *sizes, x.shape[-1])
    if method == "nearest":
        nearest: jax.Array = jax.image.resize(x, shape, method)
        return nearest
    return back(jax.image.resize(wide(x), shape, method, antialias), x)


def _method(where: str, method: Any) -> str:
    if method not in METHODS:
        raise unknown_name(where, "a method", str(method), METHODS)
    return str(method)


def _is_positive(value: Any) -> bool:
    return (is_int(value) or isinstance(value, float)) and 0 < value < math.inf
