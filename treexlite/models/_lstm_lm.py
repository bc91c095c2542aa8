"""LSTM language model: what comes next, from a memory of what came before."""

from __future__ import annotations

import jax

from treexlite import nn
from treexlite._core import Module


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
        self.embed = nn.Embed(num_tokens, features)
        self.layers = [nn.RNN(nn.LSTMCell(features)) for _ in range(num_layers)]
        self.dropouts = [nn.Dropout(dropout_rate) for _ in range(num_layers + 1)]

    def __call__(self, ids: jax.Array) -> jax.Array:
        x = self.dropouts[0](self.embed(ids))
        for layer, dropout in zip(self.layers, self.dropouts[1:], strict=True):
            x = dropout(layer(x))
        return self.embed.attend(x)
