"""`tx.scan` equals `jax.lax.scan` with the state in the carry, or beside the inputs, by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled, sum_of
from tests.conformance.explicit import (
    State,
    assert_same,
    counted,
    explicit,
    parameters,
    stacked,
)

SAMPLED = sampled(__name__)

ZERO = jnp.array(0.0)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_a_bound_method(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model, type(model).step)
    xs = jnp.stack(row.inputs(3))

    def body(carry: tuple[State, jax.Array], x: jax.Array) -> Any:
        (total, y), state = pure(*carry, x)
        return (state, total), y

    (state, total), ys = jax.lax.scan(body, (model.state_dict(), ZERO), xs)
    assert_same(tx.scan(model.step, ZERO, xs), (total, ys))
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_a_module_in_the_carry(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model)
    xs = {"x": jnp.stack(row.inputs(3)), "weight": jnp.arange(3.0)}

    def plain(state: State, x: Any) -> Any:
        y, state = pure(state, x["x"])
        return state, y * x["weight"]

    def body(carry: dict[str, Any], x: Any) -> Any:
        return carry, carry["model"](x["x"]) * x["weight"]

    state, ys = jax.lax.scan(plain, model.state_dict(), xs, reverse=True)
    carry, found = tx.scan(body, {"model": model}, xs, reverse=True)
    assert carry["model"] is model
    assert_same(found, ys)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_stacked_modules_among_the_inputs(row: Layer) -> None:
    """Gradients too: of a loop through layers with respect to all of them."""
    models = [counted(row, number) for number in range(2)]
    pure = explicit(models[0])
    inside, rest = parameters(stacked([model.state_dict() for model in models]), models[0])

    def plain_loss(inside: State, rest: State) -> Any:
        def body(total: jax.Array, state: State) -> Any:
            y, after = pure(state, row.x)
            return total + sum_of(y), after

        return jax.lax.scan(body, ZERO, {**inside, **rest})

    def loss_fn(model: Any) -> jax.Array:
        def body(total: jax.Array, model: Any) -> Any:
            return total + sum_of(model(row.x)), None

        return tx.scan(body, ZERO, model)[0]

    model = tx.stack(models)
    grads, state = jax.grad(plain_loss, has_aux=True)(inside, rest)
    assert_same(tx.grad(loss_fn)(model).state_dict(), grads)
    assert_same(model.state_dict(), state)
