"""RNNs against PyTorch to 1e-5: outputs, final states, and the gradients of input and weights.

PyTorch has two biases for each gate, of which only the sum matters but for the candidate of a GRU:
the second one is 0 there, or our `recurrent_bias`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.conformance.catalogue import Staged
from tests.parity.compare import assert_close, compare_with_torch, set_parameter
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

FEATURES, TIME = 3, 5
THEIRS = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "tanh": torch.nn.RNN, "relu": torch.nn.RNN}


def cell_of(kind: str, use_bias: bool) -> tx.Module:
    arguments: dict[str, Any] = {"use_bias": use_bias, "bias_init": "normal"}
    if kind == "LSTM":
        return nn.LSTMCell(FEATURES, **arguments)
    if kind == "GRU":
        return nn.GRUCell(FEATURES, **arguments)
    return nn.SimpleCell(FEATURES, activation=kind, **arguments)


class Stack(tx.Module):
    """Layers of RNNs that returns their carries too."""

    def __init__(self, kind: str, depth: int, bidirectional: bool, use_bias: bool) -> None:
        self.layers = []
        for _ in range(depth):
            layer: Any = nn.RNN(cell_of(kind, use_bias), return_state=True)
            self.layers.append(nn.Bidirectional(layer) if bidirectional else layer)

    def __call__(self, x: jax.Array, lengths: Any) -> Any:
        carries = []
        for layer in self.layers:
            carry, x = layer(x, lengths=lengths)
            carries.append(carry)
        return carries, x


def cells_of(layer: Any) -> list[tuple[str, Any]]:
    """The cells of a layer, with the ends of PyTorch's names."""
    if isinstance(layer, nn.RNN):
        return [("", layer.cell)]
    return [("", layer.forward.cell), ("_reverse", layer.backward.cell)]


def copy_weights(ours: Stack, theirs: Any) -> None:
    for depth, layer in enumerate(ours.layers):
        for suffix, cell in cells_of(layer):
            end = f"l{depth}{suffix}"
            set_parameter(theirs, f"weight_ih_{end}", np.asarray(cell.input.kernel).T)
            set_parameter(theirs, f"weight_hh_{end}", np.asarray(cell.recurrent.kernel).T)
            if cell.input.bias is not None:
                second = np.zeros_like(cell.input.bias)
                if hasattr(cell, "recurrent_bias"):
                    second[-FEATURES:] = cell.recurrent_bias
                set_parameter(theirs, f"bias_ih_{end}", cell.input.bias)
                set_parameter(theirs, f"bias_hh_{end}", second)


def expected_gradients(ours: Stack, theirs: Any) -> dict[str, Any]:
    """PyTorch's gradients under our names."""
    found = {}
    for depth, layer in enumerate(ours.layers):
        for suffix, cell in cells_of(layer):
            inner = "backward/" if suffix else "forward/"
            inner = "" if isinstance(layer, nn.RNN) else inner
            path, end = f"layer/layers/{depth}/{inner}cell/", f"l{depth}{suffix}"
            found[path + "input/kernel"] = getattr(theirs, f"weight_ih_{end}").grad.T
            found[path + "recurrent/kernel"] = getattr(theirs, f"weight_hh_{end}").grad.T
            if cell.input.bias is not None:
                found[path + "input/bias"] = getattr(theirs, f"bias_ih_{end}").grad
                if hasattr(cell, "recurrent_bias"):
                    second = getattr(theirs, f"bias_hh_{end}").grad
                    found[path + "recurrent_bias"] = second[-FEATURES:]
    return found


class Flat:
    """PyTorch's outputs and states in one vector, for packed sequences when there are lengths."""

    def __init__(self, module: Any, lengths: Any) -> None:
        self.module, self.lengths = module, lengths

    def __call__(self, x: Any) -> Any:
        if self.lengths is None:
            y, state = self.module(x)
        else:
            pack = torch.nn.utils.rnn.pack_padded_sequence
            packed = pack(x, list(self.lengths), batch_first=True, enforce_sorted=False)
            y, state = self.module(packed)
            unpack = torch.nn.utils.rnn.pad_packed_sequence
            y, _ = unpack(y, batch_first=True, total_length=TIME)
        states = state if isinstance(state, tuple) else (state,)
        return torch.cat([part.flatten() for part in [y, *states]])


@settings(max_examples=examples(3), deadline=None)
@given(
    depth=st.integers(1, 2),
    bidirectional=st.booleans(),
    use_bias=st.booleans(),
    lengths=st.none() | st.lists(st.integers(1, TIME), min_size=3, max_size=3),
)
@pytest.mark.parametrize("kind", list(THEIRS))
def test_rnns(kind: str, depth: int, bidirectional: bool, use_bias: bool, lengths: Any) -> None:
    x = jax.random.normal(jax.random.key(0), (3, TIME, 2))
    options = {} if kind in ("LSTM", "GRU") else {"nonlinearity": kind}
    theirs = THEIRS[kind](
        2,
        FEATURES,
        num_layers=depth,
        bias=use_bias,
        batch_first=True,
        bidirectional=bidirectional,
        **options,
    )
    count = None if lengths is None else jnp.array(lengths)

    def run(model: Any, x: jax.Array) -> jax.Array:
        carries, y = model(x, count)
        width = 2 if kind == "LSTM" else 1
        leaves = jax.tree.leaves(carries)
        states = [leaf for start in range(width) for leaf in leaves[start::width]]
        return jnp.concatenate([part.ravel() for part in [y, *states]])

    model = Stack(kind, depth, bidirectional, use_bias)
    ours = Staged(model, tx.jit(run)).init(0, x)
    copy_weights(ours.layer, theirs)
    gradients = compare_with_torch(ours, Flat(theirs, lengths), x)
    expected = expected_gradients(ours.layer, theirs)
    assert set(gradients) == set(expected)
    for path, gradient in expected.items():
        assert_close(gradients[path], gradient)
