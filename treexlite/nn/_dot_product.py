"""Scaled dot-product attention over heads: who may look at whom, and the weighted mean.

In: queries `(..., time, heads, head_dim)`, keys and values `(..., context_time, kv_heads,
head_dim)`, and what restricts them. Out: `(..., time, heads, head_dim)`. Nothing is mutated, except
by `dropout`. Without dropout `jax.nn.dot_product_attention` computes it, which never holds the
weights where a fused kernel exists; with dropout the weights are formed here, and in float64, which
that function would round to float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

_HIDDEN = -1e38  # far below every logit, and finite in float32


class Visible(NamedTuple):
    """Which keys a query may look at, by their places in time.

    Attributes:
        causal: whether only keys at the query's time or before.
        window: how many keys before and after that time at most; None: any number.
        start: the time of the first query, when it is not that of the first key.
    """

    causal: bool = False
    window: tuple[int, int] | None = None
    start: jax.Array | None = None

    def mask(self, time: int, context_time: int) -> jax.Array | None:
        """Return `(time, context_time)`, True where a query may look; None when it may anywhere."""
        query = jnp.arange(time)[:, None]  # (time, 1)
        key = jnp.arange(context_time)[None, :]  # (1, context_time)
        query = query if self.start is None else query + self.start
        seen = key <= query if self.causal else None
        if self.window is not None:
            near = (key >= query - self.window[0]) & (key <= query + self.window[1])
            seen = near if seen is None else seen & near
        return seen


def attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    mask: jax.Array | None = None,
    bias: jax.Array | None = None,
    visible: Visible = Visible(),  # noqa: B008  # a constant
    scale: float | None = None,
    dropout: Callable[[jax.Array], jax.Array] | None = None,
    implementation: Any = None,
) -> jax.Array:
    """Return `softmax(scale * query @ key.T + bias) @ value` for each head, 0 where all is masked.

    `mask` and `bias` have the axes `(..., heads, time, context_time)`, each of full size or 1.
    Queries, keys and values have one dtype; the softmax is in float32 at least.
    """
    batch, time, context_time = query.shape[:-3], query.shape[-3], key.shape[-3]
    if dropout is None and query.dtype == jnp.float64:
        dropout = _all  # the softmax of JAX's function is in float32 always
    bias = None if bias is None else _one_batch(bias, batch)
    # A fused kernel knows causal and sliding masks; all others have to be written out.
    written = mask is not None or visible.start is not None or dropout is not None
    if written or (visible.window is not None and context_time < time):
        seen = visible.mask(time, context_time)
        visible = Visible()
        if seen is not None:
            seen = seen.reshape((1,) * len(batch) + (1, *seen.shape))
            mask = seen if mask is None else mask & seen
    mask = None if mask is None else _one_batch(mask, batch)
    query, key, value = (_merge(array, batch) for array in (query, key, value))
    if dropout is not None:
        y = _with_weights(query, key, value, mask, bias, scale, dropout)
    else:
        y = jax.nn.dot_product_attention(
            query,
            key,
            value,
            bias,
            mask,
            scale=scale,
            is_causal=visible.causal,
            local_window_size=visible.window,
            implementation=implementation,
        )
    if mask is not None:
        some = jnp.moveaxis(mask.any(-1, keepdims=True), 1, 2)  # (batch, time, heads, 1)
        y = jnp.where(some, y, jnp.zeros_like(y))
    return y.reshape(*batch, *y.shape[1:])


def _with_weights(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    mask: jax.Array | None,
    bias: jax.Array | None,
    scale: float | None,
    dropout: Callable[[jax.Array], jax.Array],
) -> jax.Array:
    batch, time, heads, head_dim = query.shape
    context_time, kv_heads = key.shape[1:3]
    groups = (batch, time, kv_heads, heads // kv_heads, head_dim)
    wide = jnp.promote_types(query.dtype, jnp.float32)
    scale = head_dim**-0.5 if scale is None else scale
    logits = scale * jnp.einsum(
        "btkgh,bskh->bkgts", query.reshape(groups), key, preferred_element_type=wide
    )
    logits = logits.reshape(batch, heads, time, context_time)
    if bias is not None:
        logits = logits + bias.astype(wide)
    if mask is not None:
        logits = jnp.where(mask, logits, _HIDDEN)
    weights = dropout(jax.nn.softmax(logits).astype(query.dtype))
    weights = weights.reshape(batch, kv_heads, heads // kv_heads, time, context_time)
    return jnp.einsum("bkgts,bskh->btkgh", weights, value).reshape(query.shape)


def _all(weights: jax.Array) -> jax.Array:
    return weights


def _merge(array: jax.Array, batch: tuple[int, ...]) -> jax.Array:
    """Make all batch axes one, also when there is none."""
    return array.reshape(math.prod(batch), *array.shape[len(batch) :])


def _one_batch(array: jax.Array, batch: tuple[int, ...]) -> jax.Array:
    """Make the batch axes of what is broadcast one, of size 1 when all of them are."""
    own, rest = array.shape[: len(batch)], array.shape[len(batch) :]
    if math.prod(own) == 1:
        return array.reshape(1, *rest)
    return _merge(jnp.broadcast_to(array, (*batch, *rest)), batch)
