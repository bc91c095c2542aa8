"""`tx.vjp` equals `jax.vjp` over the parameters of an explicit state."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import State, assert_same, call, counted, explicit, parameters

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_vjp(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model)
    inside, rest = parameters(model.state_dict(), model)
    inputs = (row.x,) if row.floating else ()

    def plain(inside: State, x: jax.Array = row.x) -> Any:
        return pure({**inside, **rest}, x)

    def lifted(model: Any, x: jax.Array = row.x) -> jax.Array:
        return call(model, x)

    expected, plain_back, state = jax.vjp(plain, inside, *inputs, has_aux=True)
    y, back = tx.vjp(lifted, model, *inputs)
    assert_same(y, expected)
    assert_same(model.state_dict(), state)
    for cotangent in (jnp.ones_like(y), jnp.cos(y)):  # a pullback can be used again
        of_model, *of_x = back(cotangent)
        assert_same((of_model.state_dict(), *of_x), plain_back(cotangent))
    assert_same(model.state_dict(), state)
