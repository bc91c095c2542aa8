"""Pad, ZeroPad and Crop: more positions around an array, or fewer.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with other spatial sizes. These layers have no data, so they work without `init`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe, unknown_name
from treexlite.nn import _window
from treexlite.nn._arguments import is_int
from treexlite.nn._inputs import as_array

Amounts: TypeAlias = "int | Sequence[int | tuple[int, int]]"
"""An amount for both sides of one axis, or for each axis an amount or a pair (before, after)."""

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


class Pad(Module):
    """Add positions before and after each spatial axis.

    Args:
        padding: for each spatial axis how many to add on both sides, or a pair (before, after):
            `(1, 1)` or `((0, 1), (0, 1))` for images. A plain integer is for sequences, and refuses
            inputs of higher rank.
        mode: `"constant"` (every new position holds `value`), `"edge"` (the nearest old one),
            `"reflect"` (the mirror image without the border), `"symmetric"` (the mirror image with
            the border) or `"wrap"` (the other end).
        value: what to add in mode `"constant"`.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *(spatial +
            before + after), channels)`.

    State:
        None.

    Raises:
        ArgumentError: `padding` holds something else than integers of at least 0 and pairs of them;
            or there is a `value` in another mode than `"constant"`.
        UnknownNameError: no mode has that name.
        ShapeError: `x` has too few axes, or no positions to take values from.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([1.0, 2.0, 3.0]).reshape(1, 3, 1)
        >>> tx.nn.Pad(((1, 2),), "wrap")(x).ravel()
        Array([3., 1., 2., 3., 1., 2.], dtype=float32)

    Reference:
        `numpy.pad`. PyTorch calls `edge` replicate and `wrap` circular, and writes its amounts from
        the last axis to the first.
    """

    padding: _window.Pairs = static()
    one_axis: bool = static()
    mode: str = static()
    value: float = static()

    def __init__(self, padding: Amounts, mode: str = "constant", *, value: float = 0) -> None:
        where = type(self).__name__
        self.padding = _window.amounts_of(where, "padding", padding)
        self.one_axis = is_int(padding)
        if mode not in MODES:
            raise unknown_name(where, "a mode", str(mode), MODES)
        self.mode = mode
        number: Any = value
        if not isinstance(number, (int, float)) or (number != 0 and mode != "constant"):
            raise ArgumentError(
                where,
                expected='`value` to be a number, and 0 in every mode but "constant"',
                received=f"value={describe(value)} and mode={mode!r}",
                fix='Leave `value` out, or use `mode="constant"`.',
            )
        self.value = value

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        where, num_axes = type(self).__name__, len(self.padding)
        _window.check_rank(where, "padding", x, num_axes, self.one_axis)
        amounts = [*((0, 0),) * (x.ndim - 1 - num_axes), *self.padding, (0, 0)]
        if self.mode == "constant":
            return jnp.pad(x, amounts, constant_values=self.value)
        _window.check_not_empty(where, x, num_axes)
        return jnp.pad(x, amounts, mode=self.mode)


class ZeroPad(Pad):
    """Add zeros before and after each spatial axis.

    Args:
        padding: as for `Pad`.

    Shapes:
        As for `Pad`.

    State:
        None.

    Raises:
        ArgumentError: `padding` holds something else than integers of at least 0 and pairs of them.
        ShapeError: `x` has too few axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.ZeroPad((1,))(jnp.array([1.0, 2.0]).reshape(1, 2, 1)).ravel()
        Array([0., 1., 2., 0.], dtype=float32)

    Reference:
        `ZeroPadding1D` to `ZeroPadding3D` of Keras, `ZeroPad1d` to `ZeroPad3d` of PyTorch.
    """

    def __init__(self, padding: Amounts) -> None:
        super().__init__(padding)


class Crop(Module):
    """Cut positions off before and after each spatial axis.

    Args:
        amounts: for each spatial axis how many to cut off on both sides, or a pair (before, after):
            `(1, 1)` or `((0, 1), (0, 1))` for images. A plain integer is for sequences, and refuses
            inputs of higher rank.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *(spatial -
            before - after), channels)`.

    State:
        None.

    Raises:
        ArgumentError: `amounts` holds something else than integers of at least 0 and pairs of them.
        ShapeError: `x` has too few axes, or nothing would be left of it.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Crop(((1, 0),))(jnp.array([1.0, 2.0, 3.0]).reshape(1, 3, 1)).ravel()
        Array([2., 3.], dtype=float32)

    Reference:
        `Cropping1D` to `Cropping3D` of Keras.
    """

    amounts: _window.Pairs = static()
    one_axis: bool = static()

    def __init__(self, amounts: Amounts) -> None:
        self.amounts = _window.amounts_of(type(self).__name__, "amounts", amounts)
        self.one_axis = is_int(amounts)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        where, num_axes = type(self).__name__, len(self.amounts)
        _window.check_rank(where, "amounts", x, num_axes, self.one_axis)
        first = x.ndim - 1 - num_axes
        for axis, (before, after) in enumerate(self.amounts, first):
            if before + after >= max(x.shape[axis], 1):
                raise ShapeError(
                    where,
                    expected=f"axis {axis} of `x` to be larger than {before} + {after}",
                    received=f"x={describe(x)}",
                    fix="Cut less off, or pass larger inputs.",
                )
            x = lax.slice_in_dim(x, before, x.shape[axis] - after, axis=axis)
        return x
