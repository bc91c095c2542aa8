"""Sorting by score, with items of equal score as one group.

A pure function of arrays, compiled once. Where scores are equal a ranking is open; who wants a
value that does not depend on how the items lie in memory looks at the group as a whole: how many
are above it, and how many are above its end.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


@jax.jit
def by_score(
    scores: jax.Array, present: jax.Array, *columns: jax.Array
) -> tuple[jax.Array, jax.Array, tuple[jax.Array, ...]]:
    """Sort from the highest score to the lowest, and what is not present to the end.

    Shapes:
        all: (..., items), the last axis is sorted.

    Returns:
        How many items have a higher score; how many have a higher score or the same, int32; and
        the columns, all in the new order. A NaN equals nothing.
    """
    absent, keys, *ordered = lax.sort(
        ((~present).astype(jnp.int32), -scores, *columns), dimension=-1, num_keys=2
    )
    differ = (keys[..., 1:] != keys[..., :-1]) | (absent[..., 1:] != absent[..., :-1])
    axis, items = keys.ndim - 1, keys.shape[-1]
    place = lax.broadcasted_iota(jnp.int32, keys.shape, axis)
    begins = jnp.ones(keys.shape, bool).at[..., 1:].set(differ)
    ends = jnp.ones(keys.shape, bool).at[..., :-1].set(differ)
    above = lax.cummax(jnp.where(begins, place, 0), axis=axis)
    upto = lax.cummin(jnp.where(ends, place + 1, items), axis=axis, reverse=True)
    return above, upto, tuple(ordered)
