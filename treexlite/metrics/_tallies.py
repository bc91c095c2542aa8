"""Exact sums of weights for many groups at once: how much of a batch falls into each.

In: which group each example belongs to, and its weight. Out: one sum per group, a pair as `_sums`
keeps it. The functions are pure, and compiled once for each shape.

A float32 scatter-add rounds at each addition, in an order that a GPU chooses anew each time. Here
weights are cut into whole numbers of so few bits that their int32 sums cannot overflow; such sums
are exact in any order. Two or three cuts carry the 48 bits of a pair, so a tally costs as many
scatter-adds over the examples, and does not grow with examples times groups as one-hot rows would.
Without weights one is enough.

Reference:
    Rump, Ogita and Oishi, "Accurate floating-point summation" (2008), cut numbers in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from treexlite.metrics import _sums

_BITS = 48
"""What a pair of float32 numbers carries."""


@partial(jax.jit, static_argnames="groups")
def by_group(index: jax.Array, groups: int, weights: jax.Array | None) -> jax.Array:
    """Sum the weights of the examples of each group, for several ways to group them.

    Args:
        index: the group of each example, from 0; `groups` leaves an example out.
        groups: how many groups there are.
        weights: of the examples; None counts them.

    Shapes:
        index: (ways, ...).
        weights: (...).
        returns: (2, ways, groups).
    """
    ways = index.shape[0]
    index = index.astype(jnp.int32).reshape(ways, -1)
    total = jnp.zeros((2, ways, groups), jnp.float32)
    nothing = jnp.zeros(groups, jnp.int32)
    for whole, unit in _cut(weights, index.shape[1]):
        # On CPUs, one scatter for all ways takes several times as long as one for each.
        counts = [nothing.at[index[way]].add(whole, mode="drop") for way in range(ways)]
        total = _sums.add(total, _as_pair(jnp.stack(counts)) * unit)
    return total


@jax.jit
def by_column(flags: jax.Array, weights: jax.Array | None) -> jax.Array:
    """Sum, for each column, the weights of the examples where it is True, in several ways.

    Shapes:
        flags: (ways, ..., columns).
        weights: (...).
        returns: (2, ways, columns).
    """
    ways, columns = flags.shape[0], flags.shape[-1]
    flags = flags.reshape(ways, -1, columns)
    total = jnp.zeros((2, ways, columns), jnp.float32)
    for whole, unit in _cut(weights, flags.shape[1]):
        count = jnp.sum(jnp.where(flags, whole[None, :, None], 0), axis=1, dtype=jnp.int32)
        total = _sums.add(total, _as_pair(count) * unit)
    return total


def _cut(weights: jax.Array | None, size: int) -> Iterator[tuple[jax.Array, jax.Array]]:
    """Yield whole numbers and their units: weights = sum of whole * unit, to 48 bits."""
    if weights is None:
        yield jnp.ones(size, jnp.int32), jnp.ones((), jnp.float32)
        return
    bits = 30 - size.bit_length()  # `size` numbers below 2**bits have a sum below 2**30
    weights = weights.astype(jnp.float32).ravel()
    largest = jnp.max(jnp.abs(weights), initial=0)
    exponent = (lax.bitcast_convert_type(largest, jnp.int32) >> 23) - 126  # largest < 2**exponent
    exponent = jnp.maximum(exponent, -90)  # the powers of two below stay normal numbers
    # What is not finite makes the sums NaN.
    unit = jnp.where(jnp.isfinite(largest), _power_of_two(exponent - bits), jnp.nan)
    rest = weights * _power_of_two(bits - exponent)
    for _ in range(-(-_BITS // bits)):
        whole = rest.astype(jnp.int32)
        yield whole, unit
        rest = (rest - whole.astype(jnp.float32)) * np.float32(2.0**bits)
        unit = unit * np.float32(2.0**-bits)


def _power_of_two(exponent: jax.Array) -> jax.Array:
    """Return 2**exponent exactly, which `exp2` does not promise."""
    return lax.bitcast_convert_type((exponent + 127) << 23, jnp.float32)


def _as_pair(count: jax.Array) -> jax.Array:
    """Return whole numbers below 2**30 as sums of two float32 numbers."""
    high = count.astype(jnp.float32)
    low = (count - high.astype(jnp.int32)).astype(jnp.float32)
    return jnp.stack([high, low])
