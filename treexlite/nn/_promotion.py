"""Dtypes and ranks: how inputs and parameters meet.

Every layer computes in `dtype`; when that is None, in the type that its input and its parameters
promote to. Vectors of parameters get their leading axes spelled out, so layers also work when
NumPy's silent rank promotion is an error (`jax_numpy_rank_promotion="raise"`).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def compute_dtype(dtype: Any, *arrays: jax.Array | None) -> np.dtype[Any]:
    """Return `dtype`, or the floating type that the arrays promote to when it is None."""
    if dtype is None:
        dtype = jnp.result_type(*(array for array in arrays if array is not None))
        if not jnp.issubdtype(dtype, jnp.inexact):
            dtype = jnp.promote_types(dtype, jnp.float32)
    chosen: np.dtype[Any] = jnp.dtype(dtype)
    return chosen


def along_last(vector: jax.Array, like: jax.Array) -> jax.Array:
    """Reshape `(features,)` to `(1, ..., 1, features)`, of the rank of `like`."""
    return vector.reshape((1,) * (like.ndim - 1) + vector.shape)


def pad_rank(array: jax.Array, ndim: int) -> jax.Array:
    """Return `array` with axes of size 1 put in front, up to `ndim` of them in all."""
    return array.reshape((1,) * (ndim - array.ndim) + array.shape)


def broadcasts(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether each axis of `shape` has the size of that of `full`, or 1."""
    return len(shape) == len(full) and all(
        size in (1, whole) for size, whole in zip(shape, full, strict=True)
    )


def widened(x: jax.Array) -> jax.Array:
    """Return `x` in the type to compute statistics in: its own, but float32 at least."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
