"""Sums of float32 numbers that stay exact for longer than any training.

A float32 count stops at 2**24, about 17 million examples: adding 1 no longer changes it. Here a sum
is a pair of float32 numbers, the rounded sum and what rounding left over, which together carry
twice the bits. Whole numbers, counts above all, are exact up to 2**47; any other sum is right to
about 2**-47 of the sum of the magnitudes, so it does not matter in which order, in which batches or
on which devices the numbers were added.

A sum is an array of shape (2,); its exact value is `numpy.asarray(s, "float64").sum()`. The
functions are pure, and compiled once, so that they cost little outside of a compiled step.

Reference:
    Knuth, "The Art of Computer Programming" 2, 4.2.2, for the error of an addition; Dekker, "A
    floating-point technique for extending the available precision" (1971), for pairs.
"""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Pair: TypeAlias = tuple[jax.Array, jax.Array]


def empty() -> jax.Array:
    """Return the sum of nothing."""
    return jnp.zeros(2, jnp.float32)


def of_ones(number: int) -> jax.Array:
    """Return the sum of `number` ones."""
    high = np.float32(number)
    return jnp.array([high, number - int(high)], jnp.float32)


@jax.jit
def of(values: jax.Array) -> jax.Array:
    """Return the sum of all values, whatever their shape; each is rounded to float32 first."""
    values = values.astype(jnp.float32).ravel()
    zero = np.float32(0)
    return jnp.stack(lax.reduce((values, jnp.zeros_like(values)), (zero, zero), _add, (0,)))


@partial(jax.jit, static_argnames="axis")
def along(values: jax.Array, axis: int) -> jax.Array:
    """Return the sums along one axis, with the pair axis first: (batch, features) -> (2, features).

    Like the other functions, `add` and `value` work on such arrays entry by entry.
    """
    values = values.astype(jnp.float32)
    zero = np.float32(0)
    return jnp.stack(lax.reduce((values, jnp.zeros_like(values)), (zero, zero), _add, (axis,)))


@jax.jit
def add(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the sum of two sums."""
    return jnp.stack(_add((a[0], a[1]), (b[0], b[1])))


def value(a: jax.Array) -> jax.Array:
    """Return a sum as one float32 number."""
    return a[0] + a[1]


def _add(a: Pair, b: Pair) -> Pair:
    high, error = _add_two(a[0], b[0])
    low = error + (a[1] + b[1])
    total = high + low
    return total, jnp.where(jnp.isfinite(total), low - (total - high), 0)


def _add_two(a: jax.Array, b: jax.Array) -> Pair:
    """Return a + b rounded, and its rounding error, which is a float32 number as well."""
    total = a + b
    b_part = total - a
    error = (a - (total - b_part)) + (b - b_part)
    return total, jnp.where(jnp.isfinite(total), error, 0)  # beside inf, the error would be NaN
