"""`tx.vjp` equals `jax.vjp` over the parameters of an explicit state."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import (
    State,
    assert_same,
    call,
    counted,
    explicit,
    parameters,
    together,
)

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

    def pulled_plainly(inside: State, *inputs: jax.Array) -> Any:
        y, back, state = jax.vjp(plain, inside, *inputs, has_aux=True)
        return y, [back(cotangent) for cotangent in (jnp.ones_like(y), jnp.cos(y))], state

    def pulled(model: Any, *inputs: jax.Array) -> Any:
        y, back = tx.vjp(lifted, model, *inputs)  # a pullback can be used again
        return y, [back(cotangent) for cotangent in (jnp.ones_like(y), jnp.cos(y))]

    run, run_plainly = together(row, pulled, pulled_plainly)
    expected, wanted, state = run_plainly(inside, *inputs)
    y, found = run(model, *inputs)
    assert_same(y, expected)
    assert_same([(of_model.state_dict(), *of_x) for of_model, *of_x in found], wanted)
    assert_same(model.state_dict(), state)
