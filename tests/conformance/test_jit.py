"""`tx.jit` equals `jax.jit` of the explicit-state version: outputs and all state."""

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled
from tests.conformance.explicit import assert_same, call, counted, explicit

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_jit(row: Layer) -> None:
    model = counted(row)
    state = model.state_dict()
    lifted, plain = tx.jit(call), explicit(model)  # what `jax.jit` changes is the time it takes
    for x in row.inputs(3):
        y = lifted(model, x)
        expected, state = plain(state, x)
        assert_same(y, expected)
        assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_jit_with_donation_and_a_bound_method(row: Layer) -> None:
    model = jax.tree.map(jnp.copy, counted(row))  # its arrays are given away
    lifted = tx.jit(model.step, donate=True)
    plain = jax.jit(explicit(model, type(model).step))
    state = jax.tree.map(jnp.copy, model.state_dict())
    total = jnp.array(0.0)
    for x in row.inputs(3):
        result = lifted(total, x)
        (total, expected), state = plain(state, total, x)
        assert_same(result, (total, expected))
        assert_same(model.state_dict(), state)
