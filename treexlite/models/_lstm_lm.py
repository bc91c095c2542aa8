"""LSTM language model: what comes next, from a memory of what came before."""

from __future__ import annotations

import jax

from treexlite import nn
from treexlite._core import Module
from treexlite._core._random import KeyLike
from treexlite.models._generate import generate
from treexlite.nn._arguments import positive_int


class LSTMLanguageModel(Module):
    """Predict the next token of a text, with a stack of LSTM layers.

    The table of embeddings also scores the answers (tied weights).

    Args:
        num_tokens: size of the vocabulary.
        features: size of the embeddings and of every layer.
        num_layers: number of LSTM layers.
        dropout_rate: the fraction that training drops between layers, not over time.

    Shapes:
        ids: `(batch, time)`; logits: `(batch, time, num_tokens)`.

    State:
        The keys of its dropout layers; while streaming, the carries of the LSTM layers.

    Raises:
        ArgumentError: a number is outside its range.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import LSTMLanguageModel
        >>> model = LSTMLanguageModel(65, features=16).init(0, jnp.zeros((1, 5), int))
        >>> model(jnp.zeros((3, 7), int)).shape
        (3, 7, 65)

    Reference:
        Zaremba, Sutskever and Vinyals, Recurrent neural network regularization (2014), for the
        places of dropout; Press and Wolf (2017) for the tied table.
    """

    def __init__(
        self,
        num_tokens: int,
        *,
        features: int = 256,
        num_layers: int = 2,
        dropout_rate: float = 0.0,
    ) -> None:
        num_layers = positive_int(type(self).__name__, "num_layers", num_layers)
        self.embed = nn.Embed(num_tokens, features)
        self.layers = [nn.RNN(nn.LSTMCell(features)) for _ in range(num_layers)]
        self.dropouts = [nn.Dropout(dropout_rate) for _ in range(num_layers + 1)]

    def __call__(self, ids: jax.Array) -> jax.Array:
        return self.embed.attend(self.encode(ids))

    def encode(self, ids: jax.Array) -> jax.Array:
        """Return what the last layer makes of each token, `(batch, time, features)`."""
        x = self.dropouts[0](self.embed(ids))
        for layer, dropout in zip(self.layers, self.dropouts[1:], strict=True):
            x = dropout(layer(x))
        return x

    def generate(
        self,
        ids: jax.Array,
        num_tokens: int,
        *,
        key: KeyLike | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
    ) -> jax.Array:
        """Return `ids` with `num_tokens` more tokens behind them, as `GPT.generate` does.

        Args:
            ids: `(batch, time)`, the prompt.
            num_tokens: how many to write.
            key: seed or key to draw tokens with. None: always take the most probable one.
            temperature: what the logits are divided by before drawing; above 0.
            top_k: draw among the `top_k` most probable tokens only. None: among all.

        Raises:
            ArgumentError: a number is outside its range, or `ids` are no integers.
            RangeError: an id is too large.
            ShapeError: there is no prompt.
        """
        where = f"{type(self).__name__}.generate"
        return generate(where, self, ids, num_tokens, key, temperature, top_k)
