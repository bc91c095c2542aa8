"""KeyValueCache: the keys and values that an attention layer has seen while decoding.

What flows in: the keys and values of new tokens. What flows out: those of all tokens so far, in
arrays of a fixed length, so that a compiled step serves for every token. What may mutate: the three
Cache fields, which are None while nothing is decoded.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Cache, Module, static
from treexlite._core._calls import check_ready
from treexlite._errors import ArgumentError, RangeError, ShapeError, describe
from treexlite.nn._arguments import has_values, is_int, is_size, positive_size
from treexlite.nn._linear import Linear
from treexlite.nn._promotion import compute_dtype


class KeyValueCache(Module):
    """What attention layers that keep keys and values have in common."""

    cached_key: jax.Array | None = Cache.node()
    cached_value: jax.Array | None = Cache.node()
    cache_index: jax.Array | None = Cache.node()
    key: Linear
    num_kv_heads: int = static()
    causal: bool = static()
    dtype: Any = static()

    def __init__(self) -> None:
        self.clear_cache()

    def start_cache(self, batch_size: int | Sequence[int], max_length: int) -> None:
        """Begin to decode, in place: keep the keys and values of the calls that follow.

        From here on a call without `context` adds its positions to those of the calls before, and
        looks at all of them, causally. The first may bring many (the prompt), the others one each;
        together they give what one call over everything gives. `mask` and `bias` then have a
        `context_time` of `max_length`. Calls with a `context` do not use the cache.

        Args:
            batch_size: the batch axis of the input, or a tuple of several.
            max_length: how many positions there is room for.

        Raises:
            ArgumentError: a size is no integer, or the layer is not causal: decoding could not give
                what a call over everything gives.
            NotInitializedError: the layer has no parameters yet.
        """
        where = f"{type(self).__name__}.start_cache"
        batch = batch_axes(where, batch_size)
        max_length = positive_size(where, "max_length", max_length)
        if not self.causal:
            raise ArgumentError(
                where,
                expected="a layer with causal=True",
                received="causal=False",
                fix="Only what later positions cannot change can be kept: pass `causal=True`.",
            )
        check_ready(self.key)
        kernel = self.key.kernel
        shape = (*batch, max_length, self.num_kv_heads, kernel.shape[1] // self.num_kv_heads)
        dtype = compute_dtype(self.dtype, kernel)
        self.cached_key = jnp.zeros(shape, dtype)
        self.cached_value = jnp.zeros(shape, dtype)
        self.cache_index = jnp.zeros((), jnp.int32)

    def clear_cache(self) -> None:
        """Forget all keys and values, in place; calls are then independent of each other again."""
        self.cached_key = self.cached_value = self.cache_index = None

    def _check_room(self, batch: tuple[int, ...], time: int) -> int:
        """Return the length of the cache; refuse tokens for which it is known to have no place."""
        assert self.cached_key is not None
        assert self.cache_index is not None
        *cached_batch, max_length = self.cached_key.shape[:-2]
        if batch != tuple(cached_batch):
            raise ShapeError(
                type(self).__name__,
                expected=f"the batch axes of `x` to be {tuple(cached_batch)} (as the cache has)",
                received=f"{batch}",
                fix="Call `start_cache` again with the batch size of the input.",
            )
        start = int(self.cache_index) if has_values(self.cache_index) else 0
        if start + time > max_length:
            raise RangeError(
                type(self).__name__,
                expected=f"at most max_length={max_length} tokens in the cache",
                received=f"{time} more after {start}" if start else f"{time}",
                fix="Call `start_cache` again, with a `max_length` for all tokens.",
            )
        return max_length

    def _append(self, key: jax.Array, value: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Write new keys and values, and return all of them.

        The third array returned is 0, or NaN when there was no room, which only shows as the
        program runs.
        """
        cached_key, cached_value, start = self.cached_key, self.cached_value, self.cache_index
        assert cached_key is not None
        assert cached_value is not None
        assert start is not None
        place = [jnp.zeros((), start.dtype)] * cached_key.ndim
        place[-3] = start
        self.cached_key = lax.dynamic_update_slice(cached_key, key.astype(cached_key.dtype), place)
        self.cached_value = lax.dynamic_update_slice(
            cached_value, value.astype(cached_value.dtype), place
        )
        self.cache_index = start + key.shape[-3]
        fits = self.cache_index <= cached_key.shape[-3]
        return self.cached_key, self.cached_value, jnp.where(fits, 0.0, jnp.nan)


def batch_axes(where: str, value: Any) -> tuple[int, ...]:
    """Return the argument `batch_size`, one size or those of several axes, as a tuple.

    Raises:
        ArgumentError: it is neither.
    """
    sizes = (value,) if is_size(value) else value
    if not isinstance(sizes, Sequence) or not all(map(is_size, sizes)):
        raise ArgumentError(
            where,
            expected="`batch_size` to be an integer, or a tuple of them for several batch axes",
            received=f"batch_size={describe(value)}",
            fix="Pass the batch axes of the input, `x.shape[:-2]`; `()` when it has none.",
        )
    return tuple(operator.index(size) if is_int(size) else size for size in sizes)
