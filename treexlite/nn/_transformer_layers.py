"""The layers of a transformer: attention and a feed-forward layer, each with a shortcut around it.

What flows in and out: sequences `(..., time, features)`, of the same shape. What may mutate: the
keys of dropout in training mode, and the caches of attention while decoding.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite.nn._activations import Activation
from treexlite.nn._attention import MultiHeadAttention
from treexlite.nn._dropout import Dropout
from treexlite.nn._initializers import InitFunction
from treexlite.nn._inputs import as_array
from treexlite.nn._transformer_parts import Parts, residual


class TransformerEncoderLayer(Module):
    """Self-attention, then a feed-forward layer.

    With `norm_first`: `h = x + attention(norm(x))` and `y = h + feed_forward(norm(h))`. With
    `causal=True` it is the layer of GPT.

    Args:
        num_heads: number of attention heads.
        hidden: size in the middle of the feed-forward layer; often four times that of `x`.
        feed_forward: a description to use in its place, for example `SwiGLU(64)` or a `MoE`.
        activation: name or function, of the feed-forward layer.
        dropout_rate: the fraction that training drops of attention weights, of hidden features and
            of what each part adds, from 0 to 1.
        norm_first: whether a part gets normalised input (`x + f(norm(x))`, which trains without
            warm-up and wants one more normalisation at the end of the stack), or its sum with the
            input is normalised (`norm(x + f(x))`, the order of the paper and of BERT).
        norm: `"layer"`, `"rms"`, or a description such as `LayerNorm(epsilon=1e-5)`.
        use_bias: whether the linear layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.
        **attention: further arguments of `MultiHeadAttention`: `causal`, `num_kv_heads`,
            `head_dim`, `rotary`, `window`, `qk_norm`, `position_bias`, `scale`.

    Shapes:
        x, y: `(..., time, features)`; mask: as in `MultiHeadAttention`, True where a position looks
            at another; positions: `(..., time)`.

    State:
        dropout/key and those of the parts: replaced by each call in training mode. There are none
            when the rate is 0.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or not one of `hidden` and
            `feed_forward` is given.
        UnknownNameError: no activation, initialiser or normalisation has that name.
        ShapeError: `x` or `mask` does not fit.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.TransformerEncoderLayer(2, 16, causal=True).init(0, jnp.ones((1, 5, 4)))
        >>> layer(jnp.ones((3, 5, 4))).shape
        (3, 5, 4)

    Reference:
        Vaswani et al., Attention Is All You Need (2017); Xiong et al., On Layer Normalization in
        the Transformer Architecture (2020) for `norm_first`. As
        `torch.nn.TransformerEncoderLayer(batch_first=True)`, which has `relu`, `norm_first=False`
        and epsilon 1e-5 by default.
    """

    attention: MultiHeadAttention
    attention_norm: Module
    feed_forward: Module
    feed_forward_norm: Module
    dropout: Dropout | None
    norm_first: bool = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        num_heads: int,
        hidden: int | None = None,
        *,
        feed_forward: Module | None = None,
        activation: str | Activation = "gelu",
        dropout_rate: float = 0.0,
        norm_first: bool = True,
        norm: str | Module = "layer",
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        **attention: Any,
    ) -> None:
        parts = Parts(
            type(self).__name__,
            num_heads,
            activation=activation,
            dropout_rate=dropout_rate,
            norm=norm,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.dtype, self.param_dtype = parts.dtypes()
        self.norm_first = bool(norm_first)
        self.attention = parts.attention(**attention)
        self.attention_norm = parts.normalization()
        self.feed_forward = parts.feed_forward(hidden, feed_forward)
        self.feed_forward_norm = parts.normalization()
        self.dropout = parts.dropout()

    def __call__(
        self, x: jax.Array, mask: jax.Array | None = None, positions: jax.Array | None = None
    ) -> jax.Array:
        def attend(x: jax.Array) -> jax.Array:
            return self.attention(x, mask=mask, positions=positions)

        frame = self.dropout, self.norm_first
        x = residual(as_array(self, x), attend, self.attention_norm, *frame)
        return residual(x, self.feed_forward, self.feed_forward_norm, *frame)


class TransformerDecoderLayer(Module):
    """Causal self-attention, attention to a context, then a feed-forward layer.

    With `norm_first`: `h = x + self_attention(norm(x))`, `h = h + cross_attention(norm(h),
    context)` and `y = h + feed_forward(norm(h))`.

    Args:
        num_heads: number of attention heads, of both.
        hidden: size in the middle of the feed-forward layer; often four times that of `x`.
        feed_forward: a description to use in its place, for example `SwiGLU(64)` or a `MoE`.
        activation: name or function, of the feed-forward layer.
        dropout_rate: the fraction that training drops of attention weights, of hidden features and
            of what each part adds, from 0 to 1.
        norm_first: whether a part gets normalised input (`x + f(norm(x))`, which trains without
            warm-up and wants one more normalisation at the end of the stack), or its sum with the
            input is normalised (`norm(x + f(x))`, the order of the paper and of BERT).
        norm: `"layer"`, `"rms"`, or a description such as `LayerNorm(epsilon=1e-5)`.
        use_bias: whether the linear layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.
        **attention: further arguments of the `MultiHeadAttention` to itself, of which `causal` is
            True by default: `num_kv_heads`, `rotary`, `window`, `qk_norm`, `position_bias`.

    Shapes:
        x, y: `(..., time, features)`; context: `(..., context_time, context_features)`, what the
            encoder made; mask: over `(time, time)`, beside the causal one; context_mask: over
            `(time, context_time)`, both as in `MultiHeadAttention`; positions: `(..., time)`.

    State:
        dropout/key and those of the parts: replaced by each call in training mode. There are none
            when the rate is 0.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or not one of `hidden` and
            `feed_forward` is given.
        UnknownNameError: no activation, initialiser or normalisation has that name.
        ShapeError: `x`, `context` or a mask does not fit.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x, context = jnp.ones((3, 5, 4)), jnp.ones((3, 7, 6))
        >>> layer = tx.nn.TransformerDecoderLayer(2, 16).init(0, (x, context))
        >>> layer(x, context).shape
        (3, 5, 4)

    Reference:
        Vaswani et al., Attention Is All You Need (2017). As
        `torch.nn.TransformerDecoderLayer(batch_first=True)`, which has `relu`, `norm_first=False`
        and epsilon 1e-5 by default, and is causal only when it is given a mask.
    """

    self_attention: MultiHeadAttention
    self_attention_norm: Module
    cross_attention: MultiHeadAttention
    cross_attention_norm: Module
    feed_forward: Module
    feed_forward_norm: Module
    dropout: Dropout | None
    norm_first: bool = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        num_heads: int,
        hidden: int | None = None,
        *,
        feed_forward: Module | None = None,
        activation: str | Activation = "gelu",
        dropout_rate: float = 0.0,
        norm_first: bool = True,
        norm: str | Module = "layer",
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        **attention: Any,
    ) -> None:
        parts = Parts(
            type(self).__name__,
            num_heads,
            activation=activation,
            dropout_rate=dropout_rate,
            norm=norm,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.dtype, self.param_dtype = parts.dtypes()
        self.norm_first = bool(norm_first)
        self.self_attention = parts.attention(**{"causal": True, **attention})
        self.self_attention_norm = parts.normalization()
        self.cross_attention = parts.attention()
        self.cross_attention_norm = parts.normalization()
        self.feed_forward = parts.feed_forward(hidden, feed_forward)
        self.feed_forward_norm = parts.normalization()
        self.dropout = parts.dropout()

    def __call__(
        self,
        x: jax.Array,
        context: jax.Array,
        mask: jax.Array | None = None,
        context_mask: jax.Array | None = None,
        positions: jax.Array | None = None,
    ) -> jax.Array:
        def attend(x: jax.Array) -> jax.Array:
            return self.self_attention(x, mask=mask, positions=positions)

        def look_up(x: jax.Array) -> jax.Array:
            return self.cross_attention(x, context, mask=context_mask)

        frame = self.dropout, self.norm_first
        x = residual(as_array(self, x), attend, self.self_attention_norm, *frame)
        x = residual(x, look_up, self.cross_attention_norm, *frame)
        return residual(x, self.feed_forward, self.feed_forward_norm, *frame)
