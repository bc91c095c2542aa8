"""RNNs against Keras to 1e-5: what a mask leaves out, directions, ways to merge, final states."""

import os
from typing import Any

import jax
import numpy as np
import pytest

from tests.parity.compare import assert_close
from treexlite import nn

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

SIZE = 3
X = np.asarray(jax.random.normal(jax.random.key(0), (4, 6, 2)))
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1]])
MASK = MASK.astype(bool)


def lstm_weights(cell: Any) -> list[np.ndarray]:
    return [cell.input.kernel, cell.recurrent.kernel, cell.input.bias]


def gru_weights(cell: Any) -> list[np.ndarray]:
    """Ours are in the order `r, z, n`, theirs in the order `z, r, n`."""

    def turned(*parts: Any) -> np.ndarray:
        r, z, n = np.split(np.concatenate(parts, -1), 3, -1)
        return np.concatenate([z, r, n], -1)

    bias = turned(cell.input.bias)
    if not cell.reset_after:
        recurrent = turned(cell.recurrent.kernel, cell.candidate.kernel)
        return [turned(cell.input.kernel), recurrent, bias]
    second = np.concatenate([np.zeros(2 * SIZE), cell.recurrent_bias])
    both = np.stack([bias, second])
    return [turned(cell.input.kernel), turned(cell.recurrent.kernel), both]


def keras_layer(layer: Any, weights: list[np.ndarray]) -> Any:
    layer.build(X.shape)
    layer.set_weights([np.asarray(weight) for weight in weights])
    return layer


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_masks(backwards: bool, return_sequences: bool) -> None:
    ours = nn.RNN(
        nn.LSTMCell(SIZE, bias_init="normal"),
        reverse=backwards,
        return_sequences=return_sequences,
        return_state=True,
    ).init(0, X)
    options = {"return_sequences": return_sequences, "go_backwards": backwards}
    layer = keras.layers.LSTM(SIZE, return_state=True, zero_output_for_mask=True, **options)
    theirs = keras_layer(layer, lstm_weights(ours.cell))
    expected, h, c = theirs(X, mask=MASK)
    carry, y = ours(X, mask=MASK)
    if return_sequences and backwards:
        expected = np.asarray(expected)[:, ::-1]  # in the order in which the steps were read
    assert_close(carry[0], h)
    assert_close(carry[1], c)
    # Without sequences, Keras returns zeros where the last step does not count; the last output
    # that does count is h.
    assert_close(y, expected if return_sequences else h)


@pytest.mark.parametrize("reset_after", [False, True])
def test_both_forms_of_gru(reset_after: bool) -> None:
    cell = nn.GRUCell(SIZE, reset_after=reset_after, bias_init="normal")
    ours = nn.RNN(cell).init(0, X)
    layer = keras.layers.GRU(SIZE, reset_after=reset_after, return_sequences=True)
    assert_close(ours(X), keras_layer(layer, gru_weights(ours.cell))(X))


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave", None])
def test_ways_to_merge(merge: str | None, return_sequences: bool) -> None:
    rnn = nn.RNN(nn.LSTMCell(SIZE), return_sequences=return_sequences)
    ours = nn.Bidirectional(rnn, merge=merge).init(0, X)
    inner = keras.layers.LSTM(SIZE, return_sequences=return_sequences, zero_output_for_mask=True)
    weights = lstm_weights(ours.forward.cell) + lstm_weights(ours.backward.cell)
    theirs = keras_layer(keras.layers.Bidirectional(inner, merge_mode=merge), weights)
    for mine, their in zip(jax.tree.leaves(ours(X)), jax.tree.leaves(theirs(X)), strict=True):
        assert_close(mine, their)


def test_conv_lstm() -> None:
    """Strides and padding are those of the input alone, as ours are."""
    x = np.asarray(jax.random.normal(jax.random.key(0), (2, 3, 7, 6, 2)))
    options: dict[str, Any] = {"strides": 2, "padding": "VALID"}
    ours = nn.RNN(nn.ConvLSTMCell(SIZE, (3, 2), **options)).init(0, x)
    layer = keras.layers.ConvLSTM2D(SIZE, (3, 2), strides=2, padding="valid", return_sequences=True)
    layer.build(x.shape)
    layer.set_weights([np.asarray(weight) for weight in lstm_weights(ours.cell)])
    assert_close(ours(x), layer(x))
