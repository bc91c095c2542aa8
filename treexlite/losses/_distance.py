"""Distances between embeddings, with a finite gradient where two of them are equal.

What flows in: vectors on the last axis. What flows out: one number for each pair of vectors.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import unknown_name

Distance: TypeAlias = Literal["euclidean", "squared_euclidean", "cosine"]
DISTANCES = ("euclidean", "squared_euclidean", "cosine")


def check_distance(where: str, distance: str) -> None:
    """Refuse the name of no distance.

    Raises:
        UnknownNameError: it is none of `DISTANCES`.
    """
    if distance not in DISTANCES:
        raise unknown_name(where, "a distance", str(distance), DISTANCES)


def length(x: jax.Array) -> jax.Array:
    """Return the Euclidean norm over the last axis; the gradient is 0 where the norm is."""
    squares = jnp.sum(jnp.square(x), axis=-1)
    is_zero = squares == 0
    return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, squares)))


def unit(x: jax.Array) -> jax.Array:
    """Return the vectors at length 1; a vector of zeros stays one."""
    norm = length(x)[..., None]
    return x / jnp.where(norm == 0, 1, norm)


def between(x: jax.Array, y: jax.Array, distance: Distance) -> jax.Array:
    """Return the distance of each vector of `x` to that of `y`, both (..., features)."""
    if distance == "cosine":
        return 1 - jnp.sum(unit(x) * unit(y), axis=-1)
    if distance == "squared_euclidean":
        return jnp.sum(jnp.square(x - y), axis=-1)
    return length(x - y)


def pairwise(x: jax.Array, distance: Distance) -> jax.Array:
    """Return the distances of all vectors (batch, features) to each other, (batch, batch).

    Differences are taken before squares: the product x · y, which is faster, loses the distances of
    neighbours to rounding.
    """
    if distance == "cosine":
        return 1 - similarities(unit(x), unit(x))
    return between(x[:, None, :], x[None, :, :], distance)


def similarities(x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the products of all vectors of `x` with all of `y`, (batch, batch), at full precision.

    Accelerators round the factors of a product to half precision unless told otherwise.
    """
    return jnp.einsum("if,jf->ij", x, y, precision=jax.lax.Precision.HIGHEST)
