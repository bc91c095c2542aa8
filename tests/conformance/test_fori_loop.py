"""`tx.fori_loop` equals `jax.lax.fori_loop` with the state in the carry by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled
from tests.conformance.explicit import State, assert_same, counted, explicit, parameters

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_fori_loop(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model)

    def plain(i: jax.Array, carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        y, state = pure(carry[0], row.x)
        return state, carry[1] + i * y.sum()

    def body(i: jax.Array, carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
        model, total = carry
        return model, total + i * model(row.x).sum()

    start = jnp.array(0.0)
    stop = jnp.array(4)  # not known while tracing
    state, total = jax.lax.fori_loop(1, stop, plain, (model.state_dict(), start))
    returned, found = tx.fori_loop(1, stop, body, (model, start))
    assert returned is model
    assert_same(found, total)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", [row for row in FAMILIES if row.parameters], ids=ids)
def test_gradients_when_the_bounds_are_known(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model)
    inside, rest = parameters(model.state_dict(), model)

    def plain_loss(inside: State, rest: State) -> Any:
        def body(i: Any, carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
            y, state = pure(carry[0], row.x)
            return state, carry[1] * 0.5 + (y**2).mean()

        state, total = jax.lax.fori_loop(0, 3, body, ({**inside, **rest}, jnp.array(0.0)))
        return total, state

    def loss_fn(model: Any) -> jax.Array:
        def body(i: Any, carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
            model, total = carry
            return model, total * 0.5 + (model(row.x) ** 2).mean()

        return tx.fori_loop(0, 3, body, (model, jnp.array(0.0)))[1]

    grads, state = jax.grad(plain_loss, has_aux=True)(inside, rest)
    assert_same(tx.grad(loss_fn)(model).state_dict(), grads)
    assert_same(model.state_dict(), state)
