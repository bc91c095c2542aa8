"""What layers that draw random numbers share: a key of their own, and when it moves.

What flows in and out of them: one array, of the same shape and dtype. What may mutate: the layer's
own key, which every call in training mode replaces. The key is part of the model, so the draws are
the same eagerly and compiled, and are saved with it.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Initializer, Module, Rng
from treexlite._core._random import KeyLike, as_key
from treexlite.nn._axes import resolve_axes
from treexlite.nn._creation import same_key
from treexlite.nn._inputs import as_array
from treexlite.nn._promotion import compute_dtype


class Noise(Module):
    """A layer with a key, from which each call in training mode draws.

    Freezing does not switch noise off: it fixes what training changes, and noise is not among it.
    """

    key: jax.Array = Rng.node()

    def __init__(self, key: KeyLike | None) -> None:
        if key is None:
            self.key = Initializer(same_key)  # type: ignore[assignment]  # until `init`
        else:
            self.key = as_key(type(self).__name__, key)

    def _next_key(self) -> jax.Array:
        """Return a key to draw from, and move the own one on."""
        key: jax.Array
        self.key, key = jax.random.split(self.key)
        return key


def floating(layer: Any, x: Any) -> jax.Array:
    """Return `x`, the input of `layer`, as an array of floating type, as it is if it is one."""
    array = as_array(layer, x)
    return array.astype(compute_dtype(None, array))


def shared_shape(where: str, name: str, axes: tuple[int, ...], x: jax.Array) -> tuple[int, ...]:
    """Return the shape of `x`, with 1 for the `axes` along which one draw serves all.

    Raises:
        ShapeError: `x` does not have one of the axes.
    """
    shared = resolve_axes(where, name, axes, x)
    return tuple(1 if axis in shared else size for axis, size in enumerate(x.shape))


def keep_some(x: jax.Array, key: jax.Array, rate: float, shape: tuple[int, ...]) -> jax.Array:
    """Return `x / (1 - rate)` with probability `1 - rate`, and 0 otherwise, drawn in `shape`."""
    if rate == 1:
        return jnp.zeros_like(x)
    kept = jax.random.bernoulli(key, 1 - rate, shape)
    return jnp.where(kept, x / (1 - rate), jnp.zeros_like(x))
