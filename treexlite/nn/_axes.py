"""Axes of an input: named by position when a layer is built, found when an array comes in."""

from __future__ import annotations

from typing import Any

import jax

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import int_axes


def check_axes(where: str, name: str, value: Any) -> tuple[int, ...]:
    """Return `value`, one integer or several, as a tuple of at least one.

    Raises:
        ArgumentError: it is none of them.
    """
    axes = int_axes(where, name, value)
    if not axes:
        raise ArgumentError(
            where,
            expected=f"`{name}` to name at least one axis",
            received=f"{name}={value!r}",
            fix=f"Pass the positions of the axes, for example `{name}=-1`.",
        )
    return axes


def resolve_axes(where: str, name: str, axes: tuple[int, ...], x: jax.Array) -> tuple[int, ...]:
    """Return `axes` counted from the first, in order and each once.

    Raises:
        ShapeError: `x` does not have one of them.
    """
    if any(not -x.ndim <= axis < x.ndim for axis in axes):
        raise ShapeError(
            where,
            expected=f"`x` to have the axes {name}={axes}",
            received=f"x={describe(x)}",
            fix="Choose axes of the input; negative ones count from the last.",
        )
    return tuple(sorted({axis % x.ndim for axis in axes}))


def find_spatial_axes(where: str, axes: tuple[int, ...] | None, x: jax.Array) -> tuple[int, ...]:
    """Return the axes between batch and channels: those given, or all but the first and the last.

    Raises:
        ShapeError: there are none, `x` does not have one of those given, or it is the last axis.
    """
    given = tuple(range(1, x.ndim - 1)) if axes is None else axes
    found = resolve_axes(where, "spatial_axes", given, x)
    if not found or found[-1] == x.ndim - 1:
        raise ShapeError(
            where,
            expected="`x` to have spatial axes, between those of the batch and the channels",
            received=f"x={describe(x)}, spatial_axes={axes}",
            fix="Give it a batch axis, or name the axes, for example `spatial_axes=(-3, -2)`.",
        )
    return found
