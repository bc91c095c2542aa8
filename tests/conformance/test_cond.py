"""`tx.cond` equals `jax.lax.cond` over explicit states, in which both branches return all state."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled, sum_of
from tests.conformance.explicit import (
    Counted,
    State,
    assert_same,
    counted,
    explicit,
    parameters,
)

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_cond(row: Layer) -> None:
    """One branch calls the layer, the other writes to another field."""
    model = counted(row)
    y = model(row.x)
    state = model.state_dict()
    use, skip = explicit(model, Counted.use), explicit(model, Counted.skip)

    @jax.jit
    def plain(flag: jax.Array, state: State, y: jax.Array) -> Any:
        return jax.lax.cond(flag, use, skip, state, row.x, y)

    @tx.jit
    def lifted(flag: jax.Array, model: Any, y: jax.Array) -> jax.Array:
        return tx.cond(flag, Counted.use, Counted.skip, model, row.x, y)

    for flag in map(jnp.array, [True, False, True]):
        expected, state = plain(flag, state, y)
        assert_same(lifted(flag, model, y), expected)
        assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", [row for row in FAMILIES if row.parameters], ids=ids)
def test_gradients_and_bound_methods(row: Layer) -> None:
    flag = row.name != "Linear"
    model = counted(row)
    y = model(row.x)
    use = explicit(model, Counted.use)
    skip = explicit(model, Counted.skip)
    inside, rest = parameters(model.state_dict(), model)

    def plain_loss(inside: State, rest: State) -> Any:
        out, state = jax.lax.cond(flag, use, skip, {**inside, **rest}, row.x, y)
        return sum_of(out), state

    def loss_fn(model: Any) -> jax.Array:
        return sum_of(tx.cond(flag, model.use, model.skip, row.x, y))

    grads, state = jax.grad(plain_loss, has_aux=True)(inside, rest)
    assert_same(tx.grad(loss_fn)(model).state_dict(), grads)
    assert_same(model.state_dict(), state)
