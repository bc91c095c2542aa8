"""RotaryEmbedding: positions as angles by which queries and keys are turned.

What flows in and out: queries or keys of all heads. Nothing is mutated, and there are no
parameters. The product of a query and a key that are turned so depends on the difference of their
positions only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_number, unit_fraction
from treexlite.nn._attention_inputs import checked_positions
from treexlite.nn._inputs import as_array
from treexlite.nn._promotion import pad_rank


class RotaryEmbedding(Module):
    """Turn pairs of features by `position * base ** (-2 i / rotated)`, the pair's number being `i`.

    Args:
        base: the slowest pair turns once in about `2 pi * base` positions.
        interleaved: whether neighbours are pairs, `(0, 1), (2, 3), ...` (RoFormer, GPT-J), and not
            the first and second half, `(0, n / 2), (1, n / 2 + 1), ...` (GPT-NeoX, Llama).
        fraction: what part of the features is turned, the first ones; an even number of them.
        scaling: a number divides the positions, which stretches what the model learned over longer
            sequences; a function maps the frequencies `(rotated / 2,)` to others.

    Shapes:
        x, y: `(..., time, heads, head_dim)`; positions: `(..., time)`, by default counted from 0.

    State:
        None.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or an odd number of features would
            be turned.
        ShapeError: `x` has fewer than three axes, or `positions` do not fit it.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> rotary = tx.nn.RotaryEmbedding()
        >>> x = jnp.array([1.0, 0.0]).reshape(1, 1, 2)
        >>> rotary(x, jnp.array([1])).round(3).ravel()
        Array([0.54 , 0.841], dtype=float32)
        >>> attention = tx.nn.MultiHeadAttention(4, causal=True, rotary=rotary)

    Reference:
        Su et al., RoFormer (2021). As in the Llama of `transformers`; angles are in float32 at
        least there too.
    """

    base: float = static()
    interleaved: bool = static()
    fraction: float = static()
    scaling: float | Callable[[jax.Array], jax.Array] = static()

    def __init__(
        self,
        *,
        base: float = 10000.0,
        interleaved: bool = False,
        fraction: float = 1.0,
        scaling: float | Callable[[jax.Array], jax.Array] = 1.0,
    ) -> None:
        where = type(self).__name__
        self.base = positive_number(where, "base", base)
        self.interleaved = interleaved
        self.fraction = unit_fraction(where, "fraction", fraction)
        self.scaling = scaling if callable(scaling) else positive_number(where, "scaling", scaling)

    def __call__(self, x: jax.Array, positions: Any = None) -> jax.Array:
        x = as_array(self, x)
        where = type(self).__name__
        if x.ndim < 3:
            raise ShapeError(
                where,
                expected="`x` to have the axes (..., time, heads, head_dim)",
                received=f"x={describe(x)}",
                fix="Split the features into heads before; one head is `x[..., None, :]`.",
            )
        rotated = self._rotated(x.shape[-1])
        places = checked_positions(where, positions, x.shape[:-2])
        places = jnp.arange(x.shape[-3]) if places is None else places
        wide = jnp.promote_types(x.dtype, jnp.float32)
        angles = self._angles(places.astype(wide), rotated, x.ndim)  # (..., time, 1, rotated / 2)
        cos, sin = jnp.cos(angles), jnp.sin(angles)
        turned, rest = x[..., :rotated].astype(wide), x[..., rotated:]
        if self.interleaved:
            first, second = turned[..., ::2], turned[..., 1::2]
        else:
            first, second = jnp.split(turned, 2, -1)
        pair = first * cos - second * sin, second * cos + first * sin
        if self.interleaved:
            y = jnp.stack(pair, -1).reshape(turned.shape)
        else:
            y = jnp.concatenate(pair, -1)
        dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.inexact) else wide
        return jnp.concatenate([y.astype(dtype), rest.astype(dtype)], -1)

    def _angles(self, places: jax.Array, rotated: int, ndim: int) -> jax.Array:
        exponents = jnp.arange(0, rotated, 2, dtype=places.dtype) / rotated
        frequencies = 1.0 / self.base**exponents
        if callable(self.scaling):
            frequencies = self.scaling(frequencies)
        else:
            places = places / self.scaling
        angles = pad_rank(places, ndim - 2)[..., None, None]
        return angles * frequencies.reshape((1,) * (ndim - 1) + frequencies.shape)

    def _rotated(self, head_dim: int) -> int:
        rotated = int(head_dim * self.fraction)
        if rotated % 2:
            raise ArgumentError(
                type(self).__name__,
                expected="an even number of features to turn",
                received=f"{rotated} of head_dim={head_dim} (fraction={self.fraction})",
                fix="Choose an even `head_dim`, or another `fraction`.",
            )
        return rotated
