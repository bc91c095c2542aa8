"""What a recurrence hands from step to step: how the first carry is brought into form.

In: a carry as the user or an earlier call gave it, or None. Out: the same in the shapes and types
that the steps keep, so that a compiled loop can hand it on.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ShapeError, describe


def fit_carry(where: str, carry: Any, fresh: Any) -> Any:
    """Return `carry` in the dtypes of `fresh`, the initial carry, which None stands for.

    Raises:
        ShapeError: it has other arrays, or arrays of other shapes.
    """
    if carry is None:
        return fresh
    found: Any = jax.tree.structure(carry)
    if found != jax.tree.structure(fresh) or _shapes(carry) != _shapes(fresh):
        raise ShapeError(
            where,
            expected=f"a carry of arrays with the shapes {_shapes(fresh)}",
            received=", ".join(map(describe, jax.tree.leaves(carry))),
            fix=(
                "Pass the carry of a call with the same batch, or None for zeros; while streaming,"
                " `start_cache` with the size of the batch."
            ),
        )
    return jax.tree.map(lambda value, like: jnp.asarray(value, like.dtype), carry, fresh)


def _shapes(carry: Any) -> list[tuple[int, ...]]:
    return [jnp.shape(leaf) for leaf in jax.tree.leaves(carry)]


def varying_like(start: jax.Array, like: jax.Array) -> jax.Array:
    """Return `start` as an array that varies over the devices of `shard_map` that `like` does.

    Newer versions of JAX want the first carry of a loop to vary as the later ones do. They keep
    that in the type of an array, under names that differ, so types are compared. The choice is
    between equals, and made inside `shard_map` alone.
    """
    varying = jnp.zeros_like(like, shape=start.shape, dtype=bool)
    fixed = jnp.zeros(start.shape, bool)
    if getattr(varying, "aval", None) == getattr(fixed, "aval", None):
        return start
    return jnp.where(varying, start, start)
