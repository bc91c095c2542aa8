"""BERT: a transformer that reads a whole text at once.

What flows in: ids of tokens, and which of them are there. What flows out: features for each token,
and for the text as a whole. What may mutate: the keys of dropout, in training mode.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite.nn import (
    Dropout,
    Embed,
    LayerNorm,
    LearnedPositions,
    Linear,
    TransformerEncoder,
    TransformerEncoderLayer,
)

_small = jax.nn.initializers.normal(0.02)


class BERTOutput(NamedTuple):
    """What `BERT` returns.

    Attributes:
        tokens: `(..., time, features)`, features of each token.
        pooled: `(..., features)`, those of the text, made of its first token.
    """

    tokens: jax.Array
    pooled: jax.Array


class BERT(Module):
    """An encoder of text: embeddings of token, position and type, then blocks, then a pooler.

    Args:
        num_tokens: size of the vocabulary.
        features: size of the embeddings, and of what flows through the blocks.
        num_layers: how many blocks.
        num_heads: attention heads of each block.
        max_length: how many positions there are.
        num_types: how many types a token can have: first or second sentence.
        hidden: size in the middle of the feed-forward layers. None: `4 * features`.
        dropout_rate: the fraction to drop in training.
        epsilon: of the normalisations.
        remat: whether intermediates of a block are computed again during differentiation.
        dtype: what to compute in, and the type of the output. None: what the parameters have.
        param_dtype: what the parameters are stored in.

    Shapes:
        ids, types: `(..., time)`, integers, by default of type 0; valid: `(..., time)`, bool, False
            for padding; what comes out: see `BERTOutput`.

    State:
        The keys of dropout: replaced by each call in training mode. There are none when the rate is
        0.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or `ids` are no integers.
        RangeError: an id, a type or a position is too large.
        ShapeError: `ids` has no time axis, or `types` or `valid` do not fit it.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite import models
        >>> ids = jnp.array([[1, 2, 3, 0]])
        >>> model = models.BERT(10, 8, num_layers=2, num_heads=2, max_length=16).init(0, ids)
        >>> output = model(ids, valid=ids != 0)
        >>> output.tokens.shape, output.pooled.shape
        ((1, 4, 8), (1, 8))

    Reference:
        Devlin et al., BERT (2018). With its default arguments and the weights of
        `transformers.BertModel` it computes the same features.
    """

    embed: Embed
    positions: LearnedPositions
    type_embed: Embed
    norm: LayerNorm
    dropout: Dropout | None
    blocks: TransformerEncoder
    pooler: Linear

    def __init__(
        self,
        num_tokens: int,
        features: int,
        *,
        num_layers: int,
        num_heads: int,
        max_length: int = 512,
        num_types: int = 2,
        hidden: int | None = None,
        dropout_rate: float = 0.0,
        epsilon: float = 1e-12,
        remat: bool = False,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        dtypes = {"dtype": dtype, "param_dtype": param_dtype}
        self.embed = Embed(num_tokens, features, embedding_init=_small, **dtypes)
        self.positions = LearnedPositions(max_length, embedding_init=_small, **dtypes)
        self.type_embed = Embed(num_types, features, embedding_init=_small, **dtypes)
        self.norm = LayerNorm(epsilon=epsilon, **dtypes)
        self.dropout = Dropout(dropout_rate) if dropout_rate else None
        layer = TransformerEncoderLayer(
            num_heads,
            4 * features if hidden is None else hidden,
            activation=exact_gelu,
            dropout_rate=dropout_rate,
            norm_first=False,
            norm=LayerNorm(epsilon=epsilon, **dtypes),
            kernel_init=_small,
            **dtypes,
        )
        self.blocks = TransformerEncoder(layer, num_layers, remat=remat)
        self.pooler = Linear(features, kernel_init=_small, **dtypes)

    def __call__(
        self, ids: jax.Array, types: jax.Array | None = None, valid: jax.Array | None = None
    ) -> BERTOutput:
        types = jnp.zeros_like(ids) if types is None else types
        x = self.positions(self.embed(ids)) + self.type_embed(types)  # (..., time, features)
        x = self.norm(x)
        x = x if self.dropout is None else self.dropout(x)
        mask = None if valid is None else jnp.asarray(valid)[..., None, :]
        tokens = self.blocks(x, mask)
        return BERTOutput(tokens, jnp.tanh(self.pooler(tokens[..., 0, :])))


def exact_gelu(x: jax.Array) -> jax.Array:
    """Return `x` times the probability that a standard normal value is below it."""
    return jax.nn.gelu(x, approximate=False)
