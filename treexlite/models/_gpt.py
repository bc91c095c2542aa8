"""GPT: a transformer that predicts the next token, and writes text with it.

What flows in: ids of tokens. What flows out: for each position the logits of the token after it.
What may mutate: the keys of dropout in training mode; `generate` changes nothing.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._core._random import KeyLike
from treexlite._errors import ShapeError, describe
from treexlite.models._generate import generate
from treexlite.nn import (
    Dropout,
    Embed,
    LayerNorm,
    LearnedPositions,
    TransformerEncoder,
    TransformerEncoderLayer,
)

_small = jax.nn.initializers.normal(0.02)


class GPT(Module):
    """A causal transformer over tokens: `logits = norm(blocks(embed(ids) + positions)) @ embed.T`.

    Args:
        num_tokens: size of the vocabulary.
        features: size of the embeddings, and of what flows through the blocks.
        num_layers: how many blocks.
        num_heads: attention heads of each block.
        max_length: how many positions there are.
        hidden: size in the middle of the feed-forward layers. None: `4 * features`.
        dropout_rate: the fraction to drop in training.
        epsilon: of the normalisations.
        remat: whether intermediates of a block are computed again during differentiation.
        dtype: what to compute in, and the type of the logits. None: what the parameters have.
        param_dtype: what the parameters are stored in.

    Shapes:
        ids: `(..., time)`, integers; logits: `(..., time, num_tokens)`.

    State:
        The keys of dropout: replaced by each call in training mode. There are none when the rate is
        0.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or `ids` are no integers.
        RangeError: an id or a position is too large.
        ShapeError: `ids` has no time axis.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite import models
        >>> ids = jnp.array([[1, 2, 3]])
        >>> model = models.GPT(10, 8, num_layers=2, num_heads=2, max_length=16).init(0, ids)
        >>> model(ids).shape, model.generate(ids, 4).shape
        ((1, 3, 10), (1, 7))

    Reference:
        Radford et al., Language Models are Unsupervised Multitask Learners (2019). With its default
        arguments and the weights of `transformers.GPT2LMHeadModel` it computes the same logits. The
        matrices that end a block are not drawn smaller with depth here.
    """

    embed: Embed
    positions: LearnedPositions
    dropout: Dropout | None
    blocks: TransformerEncoder

    def __init__(
        self,
        num_tokens: int,
        features: int,
        *,
        num_layers: int,
        num_heads: int,
        max_length: int,
        hidden: int | None = None,
        dropout_rate: float = 0.0,
        epsilon: float = 1e-5,
        remat: bool = False,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        dtypes = {"dtype": dtype, "param_dtype": param_dtype}
        self.embed = Embed(num_tokens, features, embedding_init=_small, **dtypes)
        self.positions = LearnedPositions(max_length, embedding_init=_small, **dtypes)
        self.dropout = Dropout(dropout_rate) if dropout_rate else None
        layer = TransformerEncoderLayer(
            num_heads,
            4 * features if hidden is None else hidden,
            causal=True,
            dropout_rate=dropout_rate,
            norm=LayerNorm(epsilon=epsilon, **dtypes),
            kernel_init=_small,
            **dtypes,
        )
        self.blocks = TransformerEncoder(layer, num_layers, remat=remat)

    def __call__(self, ids: jax.Array) -> jax.Array:
        return self.embed.attend(self.encode(ids))

    def encode(self, ids: jax.Array) -> jax.Array:
        """Return what the last block makes of each token, `(..., time, features)`."""
        ids = jnp.asarray(ids)
        if ids.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`ids` to have at least one axis, the last one for time",
                received=f"ids={describe(ids)}",
                fix="Give a single token an axis: `ids[None]`.",
            )
        x = self.positions(self.embed(ids))  # (..., time, features)
        return self.blocks(x if self.dropout is None else self.dropout(x))

    def generate(
        self,
        ids: jax.Array,
        num_tokens: int,
        *,
        key: KeyLike | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
    ) -> jax.Array:
        """Return `ids` with `num_tokens` more tokens behind them.

        The prompt is read at once and the tokens are written one by one, all in one program, which
        is compiled once for each shape. The model is used in evaluation mode, and left as it is.

        Args:
            ids: `(..., time)`, the prompt.
            num_tokens: how many to write.
            key: seed or key to draw tokens with. None: always take the most probable one.
            temperature: what the logits are divided by before drawing; above 0.
            top_k: draw among the `top_k` most probable tokens only. None: among all.

        Returns:
            `(..., time + num_tokens)`.

        Raises:
            ArgumentError: a number is outside its range, or `ids` are no integers.
            RangeError: an id is too large.
            ShapeError: there is no room for so many positions, or no prompt.

        Example:
            >>> import jax.numpy as jnp
            >>> from treexlite import models
            >>> ids = jnp.array([[1, 2, 3]])
            >>> model = models.GPT(10, 8, num_layers=1, num_heads=2, max_length=8).init(0, ids)
            >>> model.generate(ids, 5, key=0, temperature=0.8, top_k=3)[0, :3]
            Array([1, 2, 3], dtype=int32)
        """
        longest = self.positions.max_length
        return generate("GPT.generate", self, ids, num_tokens, key, temperature, top_k, longest)
