"""`tx.switch` equals `jax.lax.switch` over explicit states; every branch returns all state."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import Counted, State, assert_same, counted, explicit

SAMPLED = sampled(__name__)


def reset(model: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    """Put new data into every field that is not a parameter, statistics and keys included."""
    for info in list(model.fields(tx.Not(tx.Parameter))):
        setattr(info.module, info.name, jnp.zeros_like(info.value))
    return y


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_switch(row: Layer) -> None:
    model = counted(row)
    y = model(row.x)
    state = model.state_dict()
    functions = (Counted.use, Counted.skip, reset)
    branches = [explicit(model, function) for function in functions]

    @jax.jit
    def plain(index: jax.Array, state: State) -> Any:
        return jax.lax.switch(index, branches, state, row.x, y)

    @tx.jit
    def lifted(index: jax.Array, model: Any) -> jax.Array:
        return tx.switch(index, functions, model, row.x, y)

    for index in map(jnp.array, [0, 1, 7, 0]):  # 7 is clamped to the last
        expected, state = plain(index, state)
        assert_same(lifted(index, model), expected)
        assert_same(model.state_dict(), state)
