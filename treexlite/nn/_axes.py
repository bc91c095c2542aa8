"""Chosen axes of an input: which they are, and parameters laid along them.

In: axes as the user wrote them, negative ones counting from the last, and an array. Out: the same
axes as positions in its shape, or a `ShapeError` that names the layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax

from treexlite._errors import ShapeError, describe


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
