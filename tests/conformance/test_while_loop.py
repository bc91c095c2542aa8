"""`tx.while_loop` equals `jax.lax.while_loop` with the state in the carry by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import State, assert_same, counted, explicit

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_while_loop(row: Layer) -> None:
    """The condition reads a counter of the module that the body calls."""
    model = counted(row)
    pure = explicit(model)

    def plain(carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        y, state = pure(carry[0], row.x)
        return state, carry[1] + y.sum()

    def body(carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
        model, total = carry
        return model, total + model(row.x).sum()

    start = jnp.array(0.0)
    state, total = jax.lax.while_loop(
        lambda carry: carry[0]["calls"] < 3, plain, (model.state_dict(), start)
    )
    returned, found = tx.while_loop(lambda carry: carry[0].calls < 3, body, (model, start))
    assert returned is model
    assert_same(found, total)
    assert_same(model.state_dict(), state)
