"""Rearrange and Reduce: axes moved, split, merged and reduced by a pattern that names them.

What flows in: an array of the pattern's left side. What flows out: one of its right side. Nothing
is mutated. `EinMix` uses the functions here, that give the errors of einops their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import einops
import jax
import jax.numpy as jnp
from einops.layers import RearrangeMixin, ReduceMixin

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._inputs import as_array
from treexlite.nn._promotion import compute_dtype


class Rearrange(Module):
    """Move, split and merge axes: `Rearrange("batch (head size) -> batch head size", head=4)`.

    Args:
        pattern: names of the axes before and after `->`. Parentheses merge axes into one, `...`
            stands for any number of them, `1` for an axis of size 1.
        **sizes: of the axes that cannot be learned from the input.

    Shapes:
        x: the left side; y: the right side.

    State:
        None.

    Raises:
        ArgumentError: einops cannot read the pattern, or a size is no positive integer.
        ShapeError: `x` does not fit the pattern.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> patches = tx.nn.Rearrange("b (h p) (w q) c -> b (h w) (p q c)", p=4, q=4)
        >>> patches(jnp.ones((2, 8, 12, 3))).shape
        (2, 6, 48)

    Reference:
        Rogozhnikov, Einops (2022); `einops.layers`.
    """

    pattern: str = static()
    sizes: dict[str, int] = static()

    def __init__(self, pattern: str, **sizes: int) -> None:
        where = type(self).__name__
        self.pattern = pattern_text(where, "pattern", pattern)
        self.sizes = axis_sizes(where, sizes)
        two_sides(where, pattern)
        check_rearrangement(where, pattern, self.sizes)

    def __call__(self, x: jax.Array) -> jax.Array:
        return rearranged(type(self).__name__, x, self.pattern, self.sizes)


class Reduce(Module):
    """Reduce the axes that the right side of a pattern leaves out, and move the others.

    Args:
        pattern: as that of `Rearrange`.
        reduction: "mean", "sum", "max", "min", "prod", "any", "all", or a function of an array and
            a tuple of axes.
        **sizes: of the axes that cannot be learned from the input.

    Shapes:
        x: the left side; y: the right side. The mean of integers is float32.

    State:
        None.

    Raises:
        ArgumentError: einops cannot read the pattern, does not know the reduction, or a size is no
            positive integer.
        ShapeError: `x` does not fit the pattern.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Reduce("b (h 2) (w 2) c -> b h w c", "max")(jnp.ones((2, 8, 6, 3))).shape
        (2, 4, 3, 3)

    Reference:
        Rogozhnikov, Einops (2022); `einops.layers`.
    """

    pattern: str = static()
    reduction: str | Callable[..., Any] = static()
    sizes: dict[str, int] = static()

    def __init__(self, pattern: str, reduction: str | Callable[..., Any], **sizes: int) -> None:
        where = type(self).__name__
        self.pattern = pattern_text(where, "pattern", pattern)
        self.reduction = reduction
        self.sizes = axis_sizes(where, sizes)
        two_sides(where, pattern)
        try:
            ReduceMixin(pattern, reduction, **self.sizes)  # type: ignore[arg-type]  # or a function
        except einops.EinopsError as error:
            raise _unreadable(where, f"{pattern!r}, {reduction!r}", error) from None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        if self.reduction == "mean":
            x = x.astype(compute_dtype(None, x))
        try:
            y: jax.Array = einops.reduce(x, self.pattern, self.reduction, **self.sizes)
        except einops.EinopsError as error:
            raise _misfit(type(self).__name__, x, self.pattern, error) from None
        return y


def rearranged(where: str, x: Any, pattern: str, sizes: Mapping[str, int]) -> jax.Array:
    """Return `einops.rearrange(x, pattern, **sizes)`.

    Raises:
        ShapeError: `x` does not fit the pattern.
    """
    x = jnp.asarray(x)
    try:
        y: jax.Array = einops.rearrange(x, pattern, **sizes)
    except einops.EinopsError as error:
        raise _misfit(where, x, pattern, error) from None
    return y


def check_rearrangement(where: str, pattern: str, sizes: Mapping[str, int]) -> None:
    """Let einops read a pattern.

    Raises:
        ArgumentError: it cannot, or a size belongs to no axis of it.
    """
    try:
        RearrangeMixin(pattern, **sizes)
    except einops.EinopsError as error:
        raise _unreadable(where, repr(pattern), error) from None


def two_sides(where: str, pattern: str) -> tuple[str, str]:
    """Return what stands before and after the arrow of a pattern.

    Raises:
        ArgumentError: there is not one arrow.
    """
    sides = [side.strip() for side in pattern.split("->")]
    if len(sides) != 2:
        raise ArgumentError(
            where,
            expected="`pattern` to have two sides",
            received=f"pattern={pattern!r}",
            fix='Write the axes of input and output: "batch height width -> batch width height".',
        )
    return sides[0], sides[1]


def pattern_text(where: str, name: str, pattern: Any) -> str:
    """Return `pattern` as it is, when it is a string.

    Raises:
        ArgumentError: it is not one.
    """
    if not isinstance(pattern, str):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a string with the names of axes",
            received=f"{name}={describe(pattern)}",
            fix='Pass for example "batch height width channels -> batch (height width channels)".',
        )
    return pattern


def axis_sizes(where: str, sizes: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes of axes as integers.

    Raises:
        ArgumentError: one is no positive integer.
    """
    return {name: positive_int(where, name, size) for name, size in sizes.items()}


def _unreadable(where: str, received: str, error: einops.EinopsError) -> ArgumentError:
    return ArgumentError(
        where,
        expected="a pattern that einops can read",
        received=received,
        fix=_said(error),
    )


def _misfit(where: str, x: jax.Array, pattern: str, error: einops.EinopsError) -> ShapeError:
    return ShapeError(
        where,
        expected=f"`x` to fit the pattern {pattern!r}",
        received=f"x={describe(x)}",
        fix=_said(error),
    )


def _said(error: einops.EinopsError) -> str:
    """Return the reason that einops gives, which stands in the last line."""
    return f"einops says: {str(error).strip().splitlines()[-1].strip()}"
