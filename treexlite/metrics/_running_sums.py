"""Running sums that are as exact as those of `_sums`.

A pure function of arrays. One float32 sum after another would lose small weights beside a long
row of large ones.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from treexlite.metrics import _sums


@jax.jit
def running_sums(pairs: jax.Array) -> jax.Array:
    """Return the sums of the first 1, 2, ... numbers, each a pair.

    After the round that looks 2**k places back, each sum holds the last 2**(k + 1) numbers. The
    rounds are a loop, so that long rows are compiled as fast as short ones.

    Shapes:
        pairs: (2, numbers), the numbers as pairs; so is the result.
    """
    number = pairs.shape[1]
    places = jnp.arange(number, dtype=jnp.int32)

    def look_back(k: jax.Array, sums: jax.Array) -> jax.Array:
        steps = jnp.left_shift(jnp.int32(1), k.astype(jnp.int32))
        earlier = jnp.take(sums, jnp.maximum(places - steps, 0), axis=1)
        longer: jax.Array = _sums.add(sums, jnp.where((places >= steps)[None], earlier, 0))
        return longer

    sums: jax.Array = lax.fori_loop(0, max(number - 1, 0).bit_length(), look_back, pairs)
    return sums
