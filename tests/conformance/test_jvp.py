"""`tx.jvp` equals `jax.jvp` over the parameters of an explicit state."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import State, assert_same, call, counted, explicit, parameters

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_jvp(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model)
    inside, rest = parameters(model.state_dict(), model)
    inputs = (row.x,) if row.floating else ()

    def plain(inside: State, x: jax.Array = row.x) -> Any:
        return pure({**inside, **rest}, x)

    def lifted(model: Any, x: jax.Array = row.x) -> jax.Array:
        return call(model, x)

    direction = jax.tree.map(jnp.cos, (inside, *inputs))
    compiled = jax.jit(lambda primals, tangents: jax.jvp(plain, primals, tangents, has_aux=True))
    expected, change, state = compiled((inside, *inputs), direction)
    of_model = model.parameters().map(jnp.cos)
    result = tx.jit(lambda primals, tangents: tx.jvp(lifted, primals, tangents))(
        (model, *inputs), (of_model, *direction[1:])
    )
    assert_same(result, (expected, change))
    assert_same(model.state_dict(), state)
