"""Windows that slide over the inner axes of an array: what convolution and pooling share.

An array is `(batch, *spatial, channels)`; a window has one size for each spatial axis. In: what the
user wrote for window, strides, dilation and padding. Out: tuples with one entry for each axis, or
an error that names the layer. Any number of batch axes is allowed, none included.

A window given as a plain integer has one axis. It does not guess that images were meant: an input
with more than one batch axis is then refused, because sliding over the last axis alone is rarely
intended.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax

from treexlite._errors import ArgumentError, ShapeError, describe, unknown_name
from treexlite.nn._arguments import is_int

Sizes: TypeAlias = "int | Sequence[int]"
"""One integer for every axis, or one for each."""

Padding: TypeAlias = "str | int | Sequence[int | tuple[int, int]]"
"""A name, an amount for all sides, or for each axis an amount or a pair (before, after)."""

Pairs: TypeAlias = tuple[tuple[int, int], ...]


def window_sizes(where: str, name: str, value: Any, num_axes: int | None = None) -> tuple[int, ...]:
    """Return the sizes of a window, which has `num_axes` axes when that is known beforehand.

    Raises:
        ArgumentError: not a positive integer, nor a non-empty sequence of them; or not as many of
            them as there are axes.
    """
    if num_axes is not None:
        return for_each_axis(where, name, value, num_axes)
    sizes = (value,) if is_int(value) else value
    if not _is_sequence(sizes) or not sizes or not all(is_int(size) and size > 0 for size in sizes):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a tuple of positive integers, one for each axis",
            received=f"{name}={describe(value)}",
            fix=f"Pass `{name}=(3, 3)` for images, `{name}=(3,)` for sequences.",
        )
    return tuple(map(operator.index, sizes))


def for_each_axis(where: str, name: str, value: Any, num_axes: int) -> tuple[int, ...]:
    """Return strides or dilation: one positive integer for each axis of the window.

    Raises:
        ArgumentError: not a positive integer, nor as many of them as there are axes.
    """
    sizes = (value,) * num_axes if is_int(value) else value
    valid = _is_sequence(sizes) and all(is_int(size) and size > 0 for size in sizes)
    if not valid or len(sizes) != num_axes:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a positive integer, or {num_axes} of them",
            received=f"{name}={describe(value)}",
            fix="Pass one integer for all axes of the window, or a tuple with one for each.",
        )
    return tuple(map(operator.index, sizes))


def padding_of(
    where: str, value: Any, num_axes: int, names: tuple[str, ...] = ("SAME", "VALID")
) -> str | Pairs:
    """Return the padding as one of `names`, in upper case, or as a pair for each axis.

    Raises:
        UnknownNameError: a string that is none of `names`.
        ArgumentError: negative amounts, or not as many as there are axes.
    """
    if isinstance(value, str):
        if value.upper() not in names:
            raise unknown_name(where, "a padding", value.upper(), names)
        return value.upper()
    pairs = _pairs((value,) * num_axes if is_int(value) else value)
    if pairs is not None and len(pairs) == num_axes:
        return pairs
    raise ArgumentError(
        where,
        expected=f"`padding` to be one of {', '.join(names)}, an integer of at least 0, or"
        f" {num_axes} integers or pairs of them",
        received=f"padding={describe(value)}",
        fix="Pass a name, or how much to add before and after each axis: `((1, 1), (0, 2))`.",
    )


def amounts_of(where: str, name: str, value: Any) -> Pairs:
    """Return how much to add or to cut, as a pair (before, after) for each axis.

    Raises:
        ArgumentError: neither an integer of at least 0, nor one or a pair of them for each axis.
    """
    pairs = _pairs((value,) if is_int(value) else value)
    if not pairs:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be an integer of at least 0, or for each axis one or a pair",
            received=f"{name}={describe(value)}",
            fix=f"Pass `{name}=(1, 1)` for images, or before and after: `((0, 1), (2, 0))`.",
        )
    return pairs


def check_rank(where: str, name: str, x: jax.Array, num_axes: int, one_axis: bool) -> None:
    """Refuse an array that the window does not fit on by its number of axes.

    Args:
        where: the layer.
        name: the layer's name for the window.
        x: the input.
        num_axes: how many axes the window has.
        one_axis: whether the window was given as a plain integer.

    Raises:
        ShapeError: too few axes; or more than `(batch, time, channels)` for a plain integer.
    """
    if x.ndim <= num_axes:
        axes = "time" if num_axes == 1 else f"{num_axes} axes for `{name}`"
        raise ShapeError(
            where,
            expected=f"`x` of shape (batch, {axes}, channels), the batch being optional",
            received=f"x={describe(x)}",
            fix="Channels come last; add their axis with `x[..., None]` if there is only one.",
        )
    if one_axis and x.ndim > 3:
        raise ShapeError(
            where,
            expected=f"`x` of shape (batch, time, channels), because `{name}` is one integer",
            received=f"x={describe(x)}",
            fix=f"Pass a tuple such as `{name}=(3, 3)` to slide over more axes, or `{name}=(3,)` to"
            " slide over the last one and keep the others as batch axes.",
        )


def check_fit(where: str, x: jax.Array, extent: tuple[int, ...], padding: str | Pairs) -> None:
    """Refuse an array that is smaller than the window.

    Args:
        where: the layer.
        x: the input.
        extent: how far the window reaches along each axis, its dilation included.
        padding: what `padding_of` returned; windows always fit unless it is `VALID` or amounts.

    Raises:
        ShapeError: the output would be empty.
    """
    if isinstance(padding, str) and padding != "VALID":
        return
    pairs = ((0, 0),) * len(extent) if isinstance(padding, str) else padding
    spatial = x.shape[-1 - len(extent) : -1]
    room = tuple(size + sum(pair) for size, pair in zip(spatial, pairs, strict=True))
    if any(size < reach for size, reach in zip(room, extent, strict=True)):
        raise ShapeError(
            where,
            expected=f"`x` to be at least as large as the window, {extent}, padding included",
            received=f"x={describe(x)}",
            fix='Use a smaller window or `padding="SAME"`, or pass larger inputs.',
        )


def check_not_empty(where: str, x: jax.Array, num_axes: int) -> None:
    """Refuse an array without positions, where there is no answer for it.

    Raises:
        ShapeError: one of the `num_axes` spatial axes has size 0.
    """
    if 0 in x.shape[-1 - num_axes : -1]:
        raise ShapeError(
            where,
            expected="the spatial axes of `x` to have at least one position",
            received=f"x={describe(x)}",
            fix="Leave such inputs out; only batch axes may be empty.",
        )


def merge_batch_axes(x: jax.Array, num_axes: int) -> tuple[jax.Array, tuple[int, ...]]:
    """Reshape `x` to `(batch, *spatial, channels)`, and return its batch axes as they were."""
    split = x.ndim - 1 - num_axes
    batch = x.shape[:split]
    return x.reshape(math.prod(batch), *x.shape[split:]), batch


def merge_spatial_axes(x: jax.Array, num_axes: int) -> jax.Array:
    """Reshape `x` to `(*batch, positions, channels)`."""
    split = x.ndim - 1 - num_axes
    batch, spatial = x.shape[:split], x.shape[split:-1]
    return x.reshape(*batch, math.prod(spatial), x.shape[-1])


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _pairs(amounts: Any) -> Pairs | None:
    """Return amounts as pairs (before, after), or None when they are none."""
    if not _is_sequence(amounts):
        return None
    pairs = [(amount, amount) if is_int(amount) else amount for amount in amounts]
    if not all(map(_is_pair, pairs)):
        return None
    return tuple((operator.index(a), operator.index(b)) for a, b in pairs)


def _is_pair(value: Any) -> bool:
    return _is_sequence(value) and len(value) == 2 and all(is_int(v) and v >= 0 for v in value)
