"""What penalties and constraints of kernels share: checked options, axes, lengths of vectors.

In: what the user wrote, and arrays. Out: the options in their plain Python form, or an error that
names the class and the argument; lengths and matrices. Nothing is mutated.

A kernel is `(in, out)`, or `(*window, in, out)` for a convolution: the last axis has one position
for each output feature, and all others together are what leads into it.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._errors import ArgumentError, ShapeError, describe


def number(
    where: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf
) -> float:
    """Return `value` as a finite float from `low` to `high`, both included.

    Raises:
        ArgumentError: it is not one.
    """
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_real or not math.isfinite(value) or not low <= value <= high:
        limits = {
            (False, False): "a finite number",
            (True, False): f"a finite number of at least {low:g}",
            (True, True): f"a number from {low:g} to {high:g}",
        }
        raise ArgumentError(
            where,
            expected=f"`{name}` to be {limits[math.isfinite(low), math.isfinite(high)]}",
            received=f"{name}={describe(value)}",
            fix=f"Pass a plain number, for example `{name}=0.01`.",
        )
    return float(value)


def optional_axes(where: str, value: Any) -> tuple[int, ...] | None:
    """Return `axis`, one integer or several, as a tuple; None stays None.

    Raises:
        ArgumentError: it is none of these, or names no axis.
    """
    if value is None:
        return None
    axes = tuple(value) if isinstance(value, Sequence) else (value,)
    if not axes or not all(_is_int(axis) for axis in axes):
        raise ArgumentError(
            where,
            expected="`axis` to be an integer, several of them, or None",
            received=f"axis={describe(value)}",
            fix="Pass the positions of the axes to measure along, for example `axis=(0, 1)`.",
        )
    return tuple(map(operator.index, axes))


def _is_int(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def measured_axes(where: str, axes: tuple[int, ...] | None, x: jax.Array) -> tuple[int, ...]:
    """Return the positions of `axes` in the shape of `x`.

    None stands for all axes but the last, or for the only one.

    Raises:
        ShapeError: `x` does not have one of them.
    """
    if axes is None:
        return tuple(range(max(x.ndim - 1, min(x.ndim, 1))))
    if any(not -x.ndim <= axis < x.ndim for axis in axes):
        raise ShapeError(
            where,
            expected=f"an array with the axes axis={axes}",
            received=describe(x),
            fix="Name axes of the array; negative ones count from the last.",
        )
    return tuple(sorted({axis % x.ndim for axis in axes}))


def lengths(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """Return the square root of the sum of squares over `axes`, which are kept with size 1.

    Nothing overflows or underflows on the way, and the gradient is 0 where the length is.
    """
    scaled, scale = _scaled(x, axes)
    return _short_lengths(scaled, axes) * scale


def directions(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """Return the vectors of `x` along `axes` with length 1; one of zeros stays, with gradient 0."""
    scaled, _ = _scaled(x, axes)
    length = _short_lengths(scaled, axes)
    return scaled / jnp.where(length == 0, 1, length)


def _scaled(x: jax.Array, axes: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """Return `x / scale`, whose squares neither overflow nor vanish, and `scale`, a constant."""
    largest = jnp.max(jnp.abs(lax.stop_gradient(x)), axis=axes, keepdims=True, initial=0)
    scale = jnp.where((largest == 0) | jnp.isinf(largest), 1, largest)
    is_zero = largest == 0
    return jnp.where(is_zero, 0, x / scale), scale


def _short_lengths(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    squares = jnp.sum(jnp.square(x), axis=axes, keepdims=True)
    is_zero = squares == 0
    return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, squares)))


def magnitudes(x: jax.Array) -> jax.Array:
    """Return |x|, with gradient 0 where x is 0; that of `jnp.abs` is 1 there."""
    return x * jnp.sign(x)


def matrix(where: str, x: jax.Array) -> jax.Array:
    """Return a kernel as a matrix: (*window, in, out) -> (window * in, out).

    Raises:
        ShapeError: it has less than two axes.
    """
    if x.ndim < 2:
        raise ShapeError(
            where,
            expected="a kernel with at least two axes, (in, out) or (*window, in, out)",
            received=describe(x),
            fix="Choose kernels alone, for example `which='**/kernel'`.",
        )
    return x.reshape(-1, x.shape[-1])


def widened(x: Any) -> jax.Array:
    """Return `x` as an array in the type to compute in: its own, but float32 at least."""
    array = jnp.asarray(x)
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))
