"""Chosen axes of an input: which they are, and parameters laid along them.

In: axes as the user wrote them, negative ones counting from the last, and an array. Out: the same
axes as positions in its shape, or a `ShapeError` that names the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import int_axes


def positions_of(where: str, name: str, axes: Sequence[int], x: jax.Array) -> tuple[int, ...]:
    """Return the positions of `axes`, the argument `name` of a layer, in the shape of `x`.

    Raises:
        ShapeError: `x` does not have them all, or two of them are the same one.
    """
    found = tuple(axis % max(x.ndim, 1) for axis in axes)
    if any(not -x.ndim <= axis < x.ndim for axis in axes) or len(set(found)) < len(found):
        raise ShapeError(
            where,
            expected=f"`x` to have the axes {name}={tuple(axes)}, each one once",
            received=f"x={describe(x)}",
            fix="Choose distinct axes of the input; negative ones count from the last.",
        )
    return found


def sizes_of(x: jax.Array, positions: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of `x` along the axes at `positions`."""
    return tuple(x.shape[axis] for axis in positions)


def check_sizes(
    where: str, x: jax.Array, positions: Sequence[int], field: str, sizes: Sequence[int]
) -> None:
    """Refuse an `x` whose axes at `positions` have not the `sizes` that the parameter `field` has.

    Raises:
        ShapeError: they have not.
    """
    if sizes_of(x, positions) != tuple(sizes):
        raise ShapeError(
            where,
            expected=f"the axes {tuple(positions)} of `x` to have sizes {tuple(sizes)} (as"
            f" `{field}` has)",
            received=f"x={describe(x)}",
            fix=f"Pass an array of these sizes, or create a new {where} and `init` it again.",
        )


def along(parameter: jax.Array, positions: Sequence[int], like: jax.Array) -> jax.Array:
    """Bring a parameter with one axis for each of `positions` to the rank of `like`.

    The positions need not ascend: the parameter's axes come in their order.
    """
    order = sorted(range(len(positions)), key=lambda number: positions[number])
    shape = [1] * like.ndim
    for number, position in enumerate(positions):
        shape[position] = parameter.shape[number]
    return parameter.transpose(order).reshape(shape)


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
