"""One program, one meaning: eagerly, under `tx.jit`, and under `jax.jit` with the module returned.

Outputs and all state agree over several calls and changes of mode. The compiler may fuse
operations, so floats agree to a few units in the last place (1e-5); keys agree exactly.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.conformance.catalogue import LAYERS, Layer, ids, sampled

Call = Callable[[Any, jax.Array], tuple[jax.Array, Any]]


def eagerly() -> Call:
    return lambda model, x: (model(x), model)


def with_tx_jit() -> Call:
    call = tx.jit(lambda model, x: model(x))
    return lambda model, x: (call(model, x), model)


def with_jax_jit() -> Call:
    return jax.jit(lambda model, x: (model(x), model))


def run(row: Layer, call: Call) -> tuple[list[jax.Array], dict[str, jax.Array]]:
    """Call the layer in training, evaluation and frozen; return the outputs and the final state."""
    model = row.build()
    first, second, third, fourth, fifth = row.inputs(5)
    outputs = []
    for change, x in [
        (lambda m: m, first),
        (lambda m: m, second),
        (lambda m: m.eval(), third),
        (lambda m: m.train().freeze(), fourth),
        (lambda m: m.unfreeze(), fifth),
    ]:
        y, model = call(change(model), x)
        outputs.append(y)
    return outputs, model.state_dict()


COMPILED = [with_tx_jit, with_jax_jit]
# One of the two for each layer, in turns, unless all laws are run.
CASES = [
    pytest.param(row, compiled, id=f"{row.name}-{compiled.__name__}")
    for number, row in enumerate(LAYERS)
    for turn, compiled in enumerate(COMPILED)
    if ALL_LAWS or turn == number % 2
]


@pytest.mark.parametrize(("row", "compiled"), CASES)
def test_compiled_calls_do_what_eager_calls_do(row: Layer, compiled: Callable[[], Call]) -> None:
    outputs, state = run(row, eagerly())
    compiled_outputs, compiled_state = run(row, compiled())
    for expected, y in zip(outputs, compiled_outputs, strict=True):
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    assert list(compiled_state) == list(state)
    for path, value in state.items():
        np.testing.assert_allclose(compiled_state[path], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", sampled(__name__), ids=ids)
def test_a_second_call_with_the_same_shapes_does_not_trace_again(row: Layer) -> None:
    model = row.build()
    call = tx.jit(model)
    for x in row.inputs(3):
        call(x)
    assert call.cache_size() == 1
