"""Positions that are added to the input: sines, or a table that is learned.

What flows in and out: one array `(..., time, features)`. What may mutate: how many positions were
seen, while decoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Cache, Module, Parameter, static
from treexlite._errors import RangeError, ShapeError, describe
from treexlite.nn._arguments import (
    has_values,
    positive_int,
    positive_number,
)
from treexlite.nn._attention_inputs import check_sequence, checked_positions
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._key_value_cache import batch_axes
from treexlite.nn._lookup import check_ids, look_up
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype, pad_rank


class Positions(Module):
    """What layers have in common that count positions while decoding."""

    cache_index: jax.Array | None = Cache.node()

    def __init__(self) -> None:
        self.clear_cache()

    def start_cache(
        self, batch_size: int | Sequence[int] = (), max_length: int | None = None
    ) -> None:
        """Begin to decode, in place: a call continues where the last one ended.

        Args:
            batch_size: checked; positions are those of the whole batch.
            max_length: not needed.

        Raises:
            ArgumentError: `batch_size` is no integer or tuple of integers.
        """
        batch_axes(f"{type(self).__name__}.start_cache", batch_size)
        self.cache_index = jnp.zeros((), jnp.int32)

    def clear_cache(self) -> None:
        """End decoding, in place: every call begins at position 0 again."""
        self.cache_index = None

    def _check(self, x: jax.Array, positions: Any) -> jax.Array | None:
        where = type(self).__name__
        check_sequence(where, x)
        return checked_positions(where, positions, x.shape[:-1])

    def _next(self, time: int) -> jax.Array:
        """Return the positions of `time` new inputs, and count them while decoding."""
        places = jnp.arange(time)
        if self.cache_index is not None:
            places = places + self.cache_index
            self.cache_index = self.cache_index + time
        return places


class SinusoidalPositions(Positions):
    """Add sines and cosines of the position: `y[2 i] = x[2 i] + sin(position / base ** (2 i / n))`.

    The feature after each sine gets the cosine of the same angle; `n` is the number of features.

    Args:
        base: the slowest wave has a length of about `2 pi * base` positions.

    Shapes:
        x, y: `(..., time, features)`; positions: `(..., time)`, by default counted from 0, and on
            from the last one while decoding.

    State:
        cache_index: made by `start_cache`, counted on by calls without `positions`, removed by
            `clear_cache`. There are no parameters.

    Raises:
        ArgumentError: `base` is not positive.
        ShapeError: `x` has fewer than two axes, or `positions` do not fit it.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.SinusoidalPositions()(jnp.zeros((2, 2))).round(3)
        Array([[0.   , 1.   ],
               [0.841, 0.54 ]], dtype=float32)

    Reference:
        Vaswani et al., Attention Is All You Need (2017), section 3.5. Some implementations put all
        sines before all cosines, which is a permutation of the features.
    """

    base: float = static()

    def __init__(self, *, base: float = 10000.0) -> None:
        super().__init__()
        self.base = positive_number(type(self).__name__, "base", base)

    def __call__(self, x: jax.Array, *, positions: Any = None) -> jax.Array:
        x = as_array(self, x)
        places = self._check(x, positions)
        places = self._next(x.shape[-2]) if places is None else places
        dtype = compute_dtype(None, x)
        wide = jnp.promote_types(dtype, jnp.float32)
        features = x.shape[-1]
        exponents = jnp.arange(0, features, 2, dtype=wide) / max(features, 1)
        frequencies = (1.0 / self.base**exponents).reshape((1,) * (x.ndim - 1) + exponents.shape)
        angles = pad_rank(places, x.ndim - 1)[..., None].astype(wide) * frequencies
        waves = jnp.stack([jnp.sin(angles), jnp.cos(angles)], -1)  # (..., time, features / 2, 2)
        waves = waves.reshape(*angles.shape[:-1], 2 * angles.shape[-1])
        return (x + waves[..., :features]).astype(dtype)


class LearnedPositions(Positions):
    """Add a vector for each position: `y = x + embedding[position]`.

    Args:
        max_length: number of positions.
        embedding_init: name or function; by default vectors have length 1 on average.
        dtype: type of the output. None: what `x` and the table promote to.
        param_dtype: what the table is stored in.

    Shapes:
        x, y: `(..., time, features)`; positions: `(..., time)`, integers, by default counted from
            0, and on from the last one while decoding; embedding: `(max_length, features)`.

    State:
        cache_index: made by `start_cache`, counted on by calls without `positions`, removed by
            `clear_cache`.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or `positions` are no integers.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` has fewer than two axes or another number of features than at `init`, or
            `positions` do not fit it.
        RangeError: a position is not below `max_length`. Inside a transformation positions have no
            values to look at; the output is then NaN there.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.LearnedPositions(16).init(0, jnp.ones((2, 5, 4)))
        >>> layer(jnp.ones((2, 3, 4))).shape, layer.embedding.shape
        ((2, 3, 4), (16, 4))

    Reference:
        Gehring et al., Convolutional Sequence to Sequence Learning (2017); as in GPT-2 and BERT.
    """

    embedding: jax.Array = Parameter.node()
    max_length: int = static()
    embedding_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        max_length: int,
        *,
        embedding_init: str | InitFunction = "embed_normal",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.max_length = positive_int(where, "max_length", max_length)
        self.embedding_init = check_initializer(where, "embedding_init", embedding_init)
        choose_dtypes(self, dtype, param_dtype)

    def __call__(self, x: jax.Array, *, positions: Any = None) -> jax.Array:
        x = as_array(self, x)
        places = self._check(x, positions)
        if self.initializing():
            shape = (self.max_length, x.shape[-1])
            create(self, "embedding", self.embedding_init, shape, self.param_dtype)
        self._check_table(x)
        if places is None:
            self._check_length(x.shape[-2])
            places = self._next(x.shape[-2])
        else:
            fix = "Raise `max_length`."
            places = check_ids(type(self).__name__, "positions", places, self.max_length, fix)
        dtype = compute_dtype(self.dtype, x, self.embedding)
        added = look_up(self.embedding, pad_rank(places, x.ndim - 1))  # (..., time, features)
        return x.astype(dtype) + added.astype(dtype)

    def _check_table(self, x: jax.Array) -> None:
        features = self.embedding.shape[1]
        if x.shape[-1] != features:
            raise ShapeError(
                type(self).__name__,
                expected=f"the last axis of `x` to be {features} (as `embedding` has)",
                received=f"x={describe(x)}",
                fix=f"Pass features of size {features}, or create a new layer and `init` it again.",
            )

    def _check_length(self, time: int) -> None:
        index = self.cache_index
        start = int(index) if index is not None and has_values(index) else 0
        if start + time > self.max_length:
            raise RangeError(
                type(self).__name__,
                expected=f"at most max_length={self.max_length} positions",
                received=f"{time} more after {start}" if start else f"{time}",
                fix="Cut the input, or raise `max_length`.",
            )
