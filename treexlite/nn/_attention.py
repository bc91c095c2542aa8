"""MultiHeadAttention: every position gathers from others what it asks for.

What flows in: `x`, and `context` when others than `x` itself are looked at. What flows out: `x`'s
axes with new features. What may mutate: the key of the dropout in training mode, and the cache
while decoding. The maths of the heads is in `_dot_product`, that of the cache in
`_key_value_cache`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._errors import ArgumentError, describe
from treexlite.nn._arguments import (
    non_negative,
    positive_int,
    unit_fraction,
)
from treexlite.nn._attention_inputs import (
    check_inputs,
    check_parts,
    checked_positions,
    divisor,
    window_sizes,
    with_heads,
)
from treexlite.nn._dot_product import Visible, attend
from treexlite.nn._dropout import Dropout
from treexlite.nn._initializers import InitFunction
from treexlite.nn._inputs import as_array
from treexlite.nn._key_value_cache import KeyValueCache
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._projection import Projection, settle
from treexlite.nn._promotion import compute_dtype, pad_rank
from treexlite.nn._rms_norm import RMSNorm


class MultiHeadAttention(KeyValueCache):
    """Attention: `out(softmax(query(x) @ key(context).T / sqrt(head_dim)) @ value(context))`.

    Each of `num_heads` heads does so by itself, with `head_dim` features of its own.

    Args:
        num_heads: number of heads.
        features: size of the last axis of the output. None: that of `x`.
        head_dim: features of each head. None: those of `x`, divided by `num_heads`.
        num_kv_heads: heads of keys and values, each shared by `num_heads / num_kv_heads` heads of
            queries (1: multi-query attention). None: `num_heads`.
        causal: whether position `t` only looks at positions up to `t`.
        window: how many positions before and after its own a position looks at: one number, or
            `(before, after)`. None: any number.
        dropout_rate: fraction of the attention weights that training drops.
        qk_norm: whether queries and keys of each head are brought to one root mean square, with a
            trained scale, before anything else.
        rotary: a `RotaryEmbedding` for queries and keys.
        position_bias: an `ALiBi` or `RelativePositionBias`, or any module that makes of the
            positions of queries and keys what is added to the logits.
        use_bias: whether the four projections add a bias.
        scale: factor of the logits. None: `1 / sqrt(head_dim)`.
        kernel_init: name or function, for all projections.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what inputs and parameters
            promote to. The softmax is in float32 at least.
        param_dtype: what the parameters are stored in.
        implementation: passed on to `jax.nn.dot_product_attention`: `"cudnn"` asks for the fused
            kernel of NVIDIA GPUs, which wants half precision.

    Shapes:
        x: `(..., time, in_features)`; context: `(..., context_time, context_features)`, by default
            `x`; value: as context, by default `context`; y: `(..., time, features)`.
        mask: bool, True where a query looks at a key, and bias: added to the logits; both
            broadcast to `(..., heads, time, context_time)`. One with no more axes than `x` has
            none for the heads: `(..., time, context_time)`. So a padding mask `valid` of shape
            `(batch, context_time)` is passed as `valid[:, None, :]`.
        positions: `(..., time)`, for `rotary` and `position_bias`; by default counted from 0, and
            on from the last token while decoding. Those of a `context` always count from 0.
        query: kernel `(in_features, heads * head_dim)`, bias `(heads * head_dim,)`; key, value: the
            same with `num_kv_heads` for `heads`; out: kernel `(heads * head_dim, features)`.

    State:
        dropout/key: replaced by each call in training mode, when `dropout_rate` is not 0.
        cached_key, cached_value, cache_index: made by `start_cache`, written by every call without
            a `context`, removed by `clear_cache`.

    A position that may look at nothing gets zeros from its heads.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, `num_heads` does not divide the
            features, or `mask` is not bool.
        UnknownNameError: no initialiser or implementation has that name.
        ShapeError: an input has another rank, batch or size than it should have.
        RangeError: the cache is full. Inside a transformation its index has no value to look at;
            the outputs are then NaN.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.MultiHeadAttention(4, causal=True).init(0, jnp.ones((2, 5, 8)))
        >>> layer(jnp.ones((2, 5, 8))).shape, layer.query.kernel.shape
        ((2, 5, 8), (8, 8))

    Reference:
        Vaswani et al., Attention Is All You Need (2017); Ainslie et al., GQA (2023). As
        `torch.nn.MultiheadAttention(batch_first=True)`, with kernels transposed and apart, a mask
        that says where to look and not where not to, and zeros where PyTorch gives NaN; as
        `flax.nnx.MultiHeadAttention`, with heads and `head_dim` as one axis of the kernels.
    """

    query: Projection
    value: Projection
    out: Projection
    num_heads: int = static()
    window: tuple[int, int] | None = static()
    scale: float | None = static()
    implementation: str | None = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        num_heads: int,
        *,
        features: int | None = None,
        head_dim: int | None = None,
        num_kv_heads: int | None = None,
        causal: bool = False,
        window: int | Sequence[int] | None = None,
        dropout_rate: float = 0.0,
        qk_norm: bool = False,
        rotary: Any = None,
        position_bias: Any = None,
        use_bias: bool = True,
        scale: float | None = None,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        implementation: str | None = None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.num_heads = positive_int(where, "num_heads", num_heads)
        self.num_kv_heads = divisor(where, num_kv_heads, self.num_heads)
        self.causal = causal
        self.window = window_sizes(where, window)
        self.scale = None if scale is None else non_negative(where, "scale", scale)
        check_parts(where, rotary, position_bias, implementation)
        self.implementation = implementation
        choose_dtypes(self, dtype, param_dtype)
        dtypes = {"dtype": self.dtype, "param_dtype": self.param_dtype}
        options = {"use_bias": use_bias, "kernel_init": kernel_init, "bias_init": bias_init}
        size = None if head_dim is None else positive_int(where, "head_dim", head_dim)
        outputs = None if features is None else positive_int(where, "features", features)
        self.query = Projection(size and self.num_heads * size, **options, **dtypes)
        self.key = Projection(size and self.num_kv_heads * size, **options, **dtypes)
        self.value = Projection(size and self.num_kv_heads * size, **options, **dtypes)
        self.out = Projection(outputs, **options, **dtypes)
        self.query_norm = RMSNorm(**dtypes) if qk_norm else None
        self.key_norm = RMSNorm(**dtypes) if qk_norm else None
        rate = unit_fraction(where, "dropout_rate", dropout_rate)
        self.dropout = Dropout(rate) if rate else None
        self.rotary = rotary
        self.position_bias = position_bias

    def __call__(
        self,
        x: jax.Array,
        context: jax.Array | None = None,
        *,
        value: jax.Array | None = None,
        mask: jax.Array | None = None,
        bias: jax.Array | None = None,
        positions: jax.Array | None = None,
    ) -> jax.Array:
        x = as_array(self, x)
        source = x if context is None else jnp.asarray(context)
        content = source if value is None else jnp.asarray(value)
        decoding = context is None and self.cached_key is not None
        mask, bias, positions = self._check(x, source, content, decoding, mask, bias, positions)
        if self.initializing():
            self._settle(x.shape[-1])
        queries = _split(self.query(x), self.num_heads)  # (..., time, heads, head_dim)
        keys = _split(
            self.key(source), self.num_kv_heads
        )  # (..., context_time, kv_heads, head_dim)
        values = _split(self.value(content), self.num_kv_heads)
        if self.query_norm is not None and self.key_norm is not None:
            queries, keys = self.query_norm(queries), self.key_norm(keys)
        places, key_places = self._places(x, source, decoding, context is None, positions)
        if self.rotary is not None:
            queries, keys = self.rotary(queries, places), self.rotary(keys, key_places)
        visible = Visible(
            self.causal or decoding, self.window, self.cache_index if decoding else None
        )
        spoilt = None
        if decoding:
            keys, values, spoilt = self._append(keys, values)
            key_places = jnp.arange(keys.shape[-3])
        if self.position_bias is not None:
            added = pad_rank(self.position_bias(places, key_places), x.ndim + 1)
            bias = added if bias is None else bias + added
        dtype = compute_dtype(self.dtype, queries, keys, values)
        y = attend(
            queries.astype(dtype),
            keys.astype(dtype),
            values.astype(dtype),
            mask=mask,
            bias=bias,
            visible=visible,
            scale=self.scale,
            dropout=self._active_dropout(),
            implementation=self.implementation,
        )
        y = y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])  # (..., time, heads * head_dim)
        return self.out(y if spoilt is None else y + spoilt.astype(dtype))

    def _check(
        self,
        x: jax.Array,
        source: jax.Array,
        content: jax.Array,
        decoding: bool,
        mask: Any,
        bias: Any,
        positions: Any,
    ) -> tuple[jax.Array | None, jax.Array | None, jax.Array | None]:
        """Check all inputs; return mask and bias with all axes, and the positions."""
        where = type(self).__name__
        check_inputs(where, x, source, content)
        length = source.shape[-2]
        if decoding:
            length = self._check_room(x.shape[:-2], x.shape[-2])
        shape = (*x.shape[:-2], self.num_heads, x.shape[-2], length)
        mask = with_heads(where, "mask", mask, shape, True)
        bias = with_heads(where, "bias", bias, shape, False)
        positions = checked_positions(where, positions, x.shape[:-1])
        if decoding and positions is not None and self.position_bias is not None:
            raise ArgumentError(
                where,
                expected="no `positions` while decoding with a `position_bias`",
                received=f"positions={describe(positions)}",
                fix="Leave them out: the cache counts them, and does not keep others.",
            )
        return mask, bias, positions

    def _settle(self, in_features: int) -> None:
        """Give the projections the sizes that were left to the input."""
        if in_features % self.num_heads and self.query.features is None:
            raise ArgumentError(
                type(self).__name__,
                expected=f"num_heads={self.num_heads} to divide the features of `x`",
                received=f"{in_features} features",
                fix="Choose a divisor, or pass `head_dim`.",
            )
        head_dim = in_features // self.num_heads
        settle(self.query, self.num_heads * head_dim)
        settle(self.key, self.num_kv_heads * head_dim)
        settle(self.value, self.num_kv_heads * head_dim)
        settle(self.out, in_features)

    def _places(
        self,
        x: jax.Array,
        source: jax.Array,
        decoding: bool,
        itself: bool,
        positions: jax.Array | None,
    ) -> tuple[jax.Array, jax.Array]:
        """Return the positions of the queries and of the keys that come with them."""
        if positions is None:
            positions = jnp.arange(x.shape[-2])
            if decoding and self.cache_index is not None:
                positions = positions + self.cache_index
        return positions, positions if itself else jnp.arange(source.shape[-2])

    def _active_dropout(self) -> Dropout | None:
        return self.dropout if self.dropout is not None and self.dropout.training else None


def _split(x: jax.Array, heads: int) -> jax.Array:
    """(..., heads * head_dim) -> (..., heads, head_dim)."""
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads)
