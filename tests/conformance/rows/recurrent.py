"""Recurrent cells, and the loops over them."""

from typing import Any

import jax
import jax.numpy as jnp

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, SEQUENCES, Layer, Staged
from treexlite import nn


def two_steps(cell: Any, x: jax.Array) -> jax.Array:
    """Step twice: the recurrent kernel does nothing to the zeros of the first carry."""
    carry, _ = cell(None, x)
    return cell(carry, x[..., ::-1])[1]


class NoisyCell(tx.Module):
    """A cell as a user writes it, with a key that every step advances."""

    def __init__(self, features: int) -> None:
        self.features = features
        self.cell = nn.SimpleCell(features)
        self.drop = nn.Dropout(0.5)

    def __call__(self, carry: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        carry, y = self.cell(carry, x)
        return carry, self.drop(y)

    def initial_carry(self, batch_shape: tuple[int, ...], dtype: Any) -> jax.Array:
        return jnp.zeros((*batch_shape, self.features))


def masked(rnn: Any, x: jax.Array) -> jax.Array:
    """Leave out the first step and the last three."""
    steps = jnp.arange(x.shape[-2])
    return rnn(x, mask=jnp.broadcast_to((steps > 0) & (steps < 6), x.shape[:-1]))


def parameters(*paths: str) -> dict[str, type]:
    return dict.fromkeys(paths, tx.Parameter)


def parts(prefix: str) -> list[str]:
    return [prefix + path for path in ("input/kernel", "input/bias", "recurrent/kernel")]


ROWS = [
    Layer(
        "SimpleCell",
        lambda **d: Staged(nn.SimpleCell(3, **d), two_steps),
        FEATURES,
        parameters(*parts("layer/")),
        has_dtype=True,
    ),
    Layer(
        "LSTMCell",
        lambda **d: Staged(nn.LSTMCell(3, **d), two_steps),
        FEATURES,
        parameters(*parts("layer/")),
        has_dtype=True,
    ),
    Layer(
        "GRUCell",
        lambda **d: Staged(nn.GRUCell(3, **d), two_steps),
        FEATURES,
        parameters("layer/recurrent_bias", *parts("layer/")),
        has_dtype=True,
    ),
    Layer(
        "GRUCell without reset_after",
        lambda **d: Staged(nn.GRUCell(3, reset_after=False, **d), two_steps),
        FEATURES,
        parameters(*parts("layer/"), "layer/candidate/kernel"),
        has_dtype=True,
    ),
    Layer(
        "MGUCell",
        lambda **d: Staged(nn.MGUCell(3, **d), two_steps),
        FEATURES,
        parameters("layer/recurrent_bias", *parts("layer/")),
        has_dtype=True,
    ),
    Layer(
        "ConvLSTMCell",
        lambda **d: Staged(nn.ConvLSTMCell(3, (3, 2), strides=2, **d), two_steps),
        IMAGES,
        parameters(*parts("layer/")),
        has_dtype=True,
    ),
    Layer(
        "RNN",
        lambda **d: nn.RNN(nn.LSTMCell(3, **d)),
        SEQUENCES,
        parameters(*parts("cell/")),
        has_dtype=True,
    ),
    Layer(
        "RNN with a mask",
        lambda **d: Staged(
            nn.RNN(nn.GRUCell(3, **d), reverse=True, return_sequences=False, remat=True), masked
        ),
        SEQUENCES,
        parameters("layer/cell/recurrent_bias", *parts("layer/cell/")),
        has_dtype=True,
    ),
    Layer(
        "RNN of a cell with state",
        lambda: nn.RNN(NoisyCell(3)),
        SEQUENCES,
        {**parameters(*parts("cell/cell/")), "cell/drop/key": tx.Rng},
    ),
    Layer(
        "Bidirectional",
        lambda **d: nn.Bidirectional(nn.RNN(nn.SimpleCell(3, **d), unroll=2), merge="ave"),
        SEQUENCES,
        parameters(*parts("forward/cell/"), *parts("backward/cell/")),
        has_dtype=True,
    ),
    Layer(
        "LSTM",
        lambda: nn.LSTM(3, num_layers=2, dropout=0.5),
        SEQUENCES,
        {
            **parameters(*parts("layers/0/cell/"), *parts("layers/1/cell/")),
            "dropouts/0/key": tx.Rng,
        },
    ),
    Layer(
        "GRU",
        lambda **d: nn.GRU(3, bidirectional=True, return_sequences=False, **d),
        SEQUENCES,
        parameters(
            "layers/0/forward/cell/recurrent_bias",
            *parts("layers/0/forward/cell/"),
            "layers/0/backward/cell/recurrent_bias",
            *parts("layers/0/backward/cell/"),
        ),
        has_dtype=True,
    ),
]
