"""`tx.remat` equals `jax.checkpoint` of the explicit-state version; state changes once."""

from typing import Any

import jax
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled, sum_of
from tests.conformance.explicit import State, assert_same, counted, explicit, parameters, together

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_remat(row: Layer) -> None:
    model = counted(row)
    pure = jax.checkpoint(explicit(model))
    inside, rest = parameters(model.state_dict(), model)

    def plain_loss(inside: State, rest: State) -> Any:
        y, state = pure({**inside, **rest}, row.x)
        return sum_of(y), state

    def loss_fn(model: Any) -> jax.Array:
        return sum_of(tx.remat(model)(row.x))

    lifted, plain = together(
        row, tx.value_and_grad(loss_fn), jax.value_and_grad(plain_loss, has_aux=True)
    )
    (loss, state), grads = plain(inside, rest)
    value, found = lifted(model)
    assert_same(value, loss)
    assert_same(found.state_dict(), grads)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_with_a_policy_and_without_a_derivative(row: Layer) -> None:
    model = counted(row)
    policy = jax.checkpoint_policies.dots_saveable
    pure = jax.checkpoint(explicit(model), policy=policy)
    expected, state = pure(model.state_dict(), row.x)
    assert_same(tx.remat(model, policy=policy)(row.x), expected)
    assert_same(model.state_dict(), state)
