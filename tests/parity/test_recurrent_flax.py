"""Recurrent layers against Flax to 1e-5: values, final carries, gradients; and the FLOPs.

Flax keeps a kernel for each gate; ours are cut into them. Its outputs at steps after the end of a
sequence are arbitrary, and are set to zero, which ours are.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.conformance.catalogue import FEATURES, IMAGES, Staged, sum_of
from tests.conformance.rows.recurrent import two_steps
from tests.parity.compare import compare_with_function, nnx_function
from treexlite import nn

nnx = pytest.importorskip("flax.nnx", reason="flax is not installed (extra `flax`)")
linen = pytest.importorskip("flax.linen", reason="flax is not installed (extra `flax`)")

BATCH, TIME, SIZE = 2, 5, 3
Arrays = dict[str, jax.Array]


def gates(arrays: Arrays, path: str, names: str) -> Arrays:
    """The parts of our fused arrays of the cell at `path`, by gate: `W_i`, `U_i`, `b_i`, ..."""
    fused = {"W": "input/kernel", "U": "recurrent/kernel", "b": "input/bias"}
    return {
        f"{short}_{name}": part
        for short, long in fused.items()
        for name, part in zip(names, jnp.split(arrays[path + long], len(names), -1), strict=True)
    }


def lstm_arrays(arrays: Arrays, ours: str, theirs: str) -> Arrays:
    by_gate = gates(arrays, ours, "ifgo")
    found = {}
    for gate in "ifgo":
        their_gate = "if_" if gate == "f" else f"i{gate}"
        found[f"{theirs}{their_gate}/kernel"] = by_gate[f"W_{gate}"]
        found[f"{theirs}h{gate}/kernel"] = by_gate[f"U_{gate}"]
        found[f"{theirs}h{gate}/bias"] = by_gate[f"b_{gate}"]
    return found


def simple_arrays(arrays: Arrays, ours: str, theirs: str) -> Arrays:
    return {
        theirs + "dense_i/kernel": arrays[ours + "input/kernel"],
        theirs + "dense_i/bias": arrays[ours + "input/bias"],
        theirs + "dense_h/kernel": arrays[ours + "recurrent/kernel"],
    }


def nnx_cell(kind: str, in_features: int = 2) -> Any:
    cell = {"LSTM": nnx.LSTMCell, "GRU": nnx.GRUCell, "simple": nnx.SimpleCell}[kind]
    return cell(in_features, SIZE, rngs=nnx.Rngs(0))


def our_cell(kind: str) -> tx.Module:
    if kind == "LSTM":
        return nn.LSTMCell(SIZE, bias_init="normal")
    return nn.SimpleCell(SIZE, bias_init="normal")


def zeros(kind: str, batch: int) -> Any:
    """The first carry, which Flax would draw with a key that cannot move inside `jax.grad`."""
    one = jnp.zeros((batch, SIZE))
    return (one, one) if kind == "LSTM" else one


def carry_of(kind: str, carry: Any) -> Any:
    """Flax's carry in our order."""
    return (carry[1], carry[0]) if kind == "LSTM" else carry


ARRAYS: dict[str, Callable[[Arrays, str, str], Arrays]] = {
    "LSTM": lstm_arrays,
    "simple": simple_arrays,
}


def flat(carry: Any, y: jax.Array) -> jax.Array:
    return jnp.concatenate([part.ravel() for part in [y, *jax.tree.leaves(carry)]])


@settings(max_examples=examples(2), deadline=None)
@given(lengths=st.lists(st.integers(1, TIME), min_size=BATCH, max_size=BATCH))
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", list(ARRAYS))
def test_rnns_with_lengths(kind: str, bidirectional: bool, lengths: list[int]) -> None:
    """Backward RNNs begin at the end of each sequence."""
    x = jax.random.normal(jax.random.key(0), (BATCH, TIME, 2))
    count = jnp.array(lengths)
    valid = (jnp.arange(TIME)[None] < count[:, None])[..., None]
    rnn: Any = nn.RNN(our_cell(kind), return_state=True)
    flax_rnn: Any = nnx.RNN(nnx_cell(kind), rngs=nnx.Rngs(0))
    places = [("layer/cell/", "cell/")]
    if bidirectional:
        rnn = nn.Bidirectional(rnn)
        backward = nnx.RNN(nnx_cell(kind), rngs=nnx.Rngs(0))
        flax_rnn = nnx.Bidirectional(flax_rnn, backward, rngs=nnx.Rngs(0))
        places = [(f"layer/{way}/cell/", f"{way}_rnn/cell/") for way in ("forward", "backward")]
    run = tx.jit(lambda model, x: flat(*model(x, lengths=count)))
    ours = Staged(rnn, run).init(0, x)

    def call(layer: Any, x: jax.Array) -> jax.Array:
        start = (zeros(kind, BATCH),) * 2 if bidirectional else zeros(kind, BATCH)
        carry, y = layer(x, seq_lengths=count, return_carry=True, initial_carry=start)
        if bidirectional:
            carry = tuple(carry_of(kind, one) for one in carry)
        else:
            carry = carry_of(kind, carry)
        return flat(carry, y * valid)

    def renamed(arrays: Arrays) -> Arrays:
        return {k: v for pair in places for k, v in ARRAYS[kind](arrays, *pair).items()}

    names = {name: name for name in renamed(ours.state_dict())}
    theirs = nnx_function(flax_rnn, names, call)
    compare_with_function(ours, jax.jit(lambda arrays, x: theirs(renamed(arrays), x)), x)


def test_gru_cell() -> None:
    """That of linen; the one of nnx has no bias in the candidate's recurrent part."""

    def theirs(arrays: Arrays, x: jax.Array) -> jax.Array:
        by_gate = gates(arrays, "layer/", "rzn")
        params = {f"i{g}": {"kernel": by_gate[f"W_{g}"], "bias": by_gate[f"b_{g}"]} for g in "rzn"}
        params |= {f"h{g}": {"kernel": by_gate[f"U_{g}"]} for g in "rzn"}
        params["hn"]["bias"] = arrays["layer/recurrent_bias"]
        return twice(linen.GRUCell(SIZE), params, jnp.zeros((6, SIZE)), x)

    ours = Staged(nn.GRUCell(SIZE, bias_init="normal"), two_steps).init(0, FEATURES)
    compare_with_function(ours, jax.jit(theirs), FEATURES)


@pytest.mark.parametrize("reset_gate", [True, False])
def test_mgu_cell(reset_gate: bool) -> None:
    def theirs(arrays: Arrays, x: jax.Array) -> jax.Array:
        by_gate = gates(arrays, "layer/", "fn")
        params = {f"i{g}": {"kernel": by_gate[f"W_{g}"], "bias": by_gate[f"b_{g}"]} for g in "fn"}
        params |= {f"h{g}": {"kernel": by_gate[f"U_{g}"]} for g in "fn"}
        if reset_gate:
            params["hn"]["bias"] = arrays["layer/recurrent_bias"]
        cell = linen.MGUCell(SIZE, reset_gate=reset_gate)
        return twice(cell, params, jnp.zeros((6, SIZE)), x)

    cell = nn.MGUCell(SIZE, reset_gate=reset_gate, bias_init="normal")
    compare_with_function(Staged(cell, two_steps).init(0, FEATURES), jax.jit(theirs), FEATURES)


@pytest.mark.parametrize("padding", ["SAME", ((1, 1), (0, 1))])
def test_conv_lstm_cell(padding: Any) -> None:
    """Their gates are `i, g, f, o`, with two biases, and a forget bias of 1 at every step."""

    def theirs(arrays: Arrays, x: jax.Array) -> jax.Array:
        by_gate = gates(arrays, "layer/", "ifgo")

        def fused(short: str) -> jax.Array:
            return jnp.concatenate([by_gate[f"{short}_{gate}"] for gate in "igfo"], -1)

        bias = fused("b") - jnp.repeat(jnp.array([0.0, 0.0, 1.0, 0.0]), SIZE)
        params = {
            "ih": {"kernel": fused("W"), "bias": bias},
            "hh": {"kernel": fused("U"), "bias": jnp.zeros_like(bias)},
        }
        zeros = jnp.zeros((*x.shape[:-1], SIZE))
        cell = linen.ConvLSTMCell(SIZE, (3, 2), padding=padding)
        return twice(cell, params, (zeros, zeros), x)

    cell = nn.ConvLSTMCell(SIZE, (3, 2), padding=padding, bias_init="normal")
    compare_with_function(Staged(cell, two_steps).init(0, IMAGES), jax.jit(theirs), IMAGES)


def twice(cell: Any, params: Any, carry: Any, x: jax.Array) -> jax.Array:
    """Two steps of a cell of linen, as `two_steps` makes them."""
    carry, _ = cell.apply({"params": params}, carry, x)
    return cell.apply({"params": params}, carry, x[..., ::-1])[1]


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "simple"])
def test_no_more_flops_than_theirs(kind: str) -> None:
    """Forward and backward, all steps written out: XLA counts the body of a loop once.

    Counted in the program that XLA is given. In what it makes of it, an operation that is fused
    into two others counts twice, which says nothing about a layer.
    """
    x = jnp.ones((4, 3, 8))
    cells = {"LSTM": nn.LSTMCell, "GRU": nn.GRUCell, "simple": nn.SimpleCell}
    ours = nn.RNN(cells[kind](SIZE), unroll=True).init(0, x)
    if kind == "GRU":
        ours.cell.recurrent_bias = None  # theirs has none
    theirs = nnx.RNN(nnx_cell(kind, 8), unroll=3, rngs=nnx.Rngs(0))
    graph, params, rest = nnx.split(theirs, nnx.Param, ...)

    def their_loss(params: Any, x: jax.Array) -> jax.Array:
        return sum_of(nnx.merge(graph, params, rest)(x, initial_carry=zeros(kind, 4)))

    def flops(f: Any, argument: Any) -> float:
        both = jax.jit(lambda model, x: (f(model, x), jax.grad(f, argnums=(0, 1))(model, x)))
        cost = both.lower(argument, x).cost_analysis()
        return float((cost[0] if isinstance(cost, list) else cost)["flops"])

    assert flops(lambda model, x: sum_of(model(x)), ours) <= flops(their_loss, params)
