"""`tx.custom_vjp` equals `jax.custom_vjp` over an explicit state, with one false derivative."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled, sum_of
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
def test_custom_vjp(row: Layer) -> None:
    """The forward rule counts twice, so that one sees which of the two ran."""
    model = counted(row)
    scale = 3.0

    def forward_rule(model: Any, x: jax.Array) -> Any:
        y = model(x)
        model.calls += 1
        return y

    pure, pure_forward = explicit(model), explicit(model, forward_rule)
    chosen = model.state_dict(tx.Parameter)

    plain = jax.custom_vjp(pure)

    def plain_forward(state: State, x: jax.Array) -> Any:
        return pure_forward(state, x), state

    def plain_backward(state: State, cotangent: Any) -> Any:
        by_path = {
            p: scale * v + cotangent[0].sum() if p in chosen else None for p, v in state.items()
        }
        return by_path, None

    plain.defvjp(plain_forward, plain_backward)

    lifted = tx.custom_vjp(call)

    def forward(model: Any, x: jax.Array) -> Any:
        before = model.parameters()
        return forward_rule(model, x), before

    def backward(before: Any, cotangent: jax.Array) -> Any:
        return before.map(lambda value: scale * value + cotangent.sum()), None

    lifted.defvjp(forward, backward)

    call_lifted, call_plain = together(row, lifted, plain)
    expected, state = call_plain(model.state_dict(), row.x)
    assert_same(call_lifted(model, row.x), expected)
    assert_same(model.state_dict(), state)

    def plain_loss(inside: State, rest: State) -> Any:
        y, state = plain({**inside, **rest}, row.x)
        return sum_of(y), state

    inside, rest = parameters(state, model)
    differentiated, plainly = together(
        row,
        tx.value_and_grad(lambda model: sum_of(lifted(model, row.x))),
        jax.value_and_grad(plain_loss, has_aux=True),
    )
    (loss, state), grads = plainly(inside, rest)
    value, found = differentiated(model)
    assert_same(value, loss)
    assert_same(found.state_dict(), grads)
    assert_same(model.state_dict(), state)
    assert int(model.calls) == 1 + (2 if jnp.size(row.x) and row.parameters else 1)
