"""LSTM and GRU: they are their layers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

X = jax.random.normal(jax.random.key(0), (2, 5, 3))


@pytest.mark.parametrize("stack", [nn.LSTM, nn.GRU])
def test_it_is_its_layers(stack: Any) -> None:
    model = stack(4, num_layers=2, return_sequences=False, return_state=True).init(0, X)
    carries, y = model(X)
    first, middle = model.layers[0](X)
    second, last = model.layers[1](middle)
    jax.tree.map(np.testing.assert_allclose, (carries, y), ([first, second], last))
    again, _ = model(X, initial_carry=[None, second])
    np.testing.assert_allclose(jax.tree.leaves(again[0])[0], jax.tree.leaves(first)[0], rtol=1e-6)
    assert not np.allclose(jax.tree.leaves(again[1])[0], jax.tree.leaves(second)[0])


def test_dropout_is_between_the_layers_and_in_training_alone() -> None:
    model = nn.GRU(4, num_layers=2, dropout=1.0).init(0, X)
    _, expected = model.layers[1](jnp.zeros((2, 5, 4)))
    np.testing.assert_allclose(model(X), expected, rtol=1e-6)
    assert not np.allclose(model.eval()(X), expected)
    assert nn.GRU(4, dropout=0.5).init(0, X).dropouts == []


def test_options_reach_the_cells() -> None:
    model = nn.LSTM(2, bidirectional=True, forget_bias=2.0, param_dtype="bfloat16").init(0, X)
    bias = model.layers[0].backward.cell.input.bias
    assert bias.dtype == jnp.bfloat16
    assert bias.tolist() == [0, 0, 2, 2, 0, 0, 0, 0]
    assert nn.GRU(2, reset_after=False, use_bias=False).layers[0].cell.reset_after is False


@pytest.mark.parametrize("stack", [nn.LSTM, nn.GRU])
def test_arguments_are_checked(stack: Any) -> None:
    with pytest.raises(ArgumentError, match="`num_layers` to be an integer of at least 1"):
        stack(4, num_layers=0)
    with pytest.raises(ArgumentError, match="`dropout` to be a number from 0 to 1"):
        stack(4, dropout=2)
    model = stack(4, num_layers=2).init(0, X)
    with pytest.raises(ArgumentError, match="a carry for each of 2 layers, received a list"):
        model(X, initial_carry=[None])
