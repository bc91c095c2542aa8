"""`tx.custom_jvp` equals `jax.custom_jvp` over an explicit state, with one false derivative."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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


def false_derivative(y: jax.Array, tangents: list[jax.Array], x_tangent: Any) -> jax.Array:
    change = sum((tangent.sum() for tangent in tangents), jnp.array(0.5))
    if x_tangent.dtype != jax.dtypes.float0:
        change = change + x_tangent.sum()
    return y * change


def still_tangent(value: jax.Array) -> Any:
    if jnp.issubdtype(value.dtype, jnp.inexact):
        return jnp.zeros_like(value)
    return np.zeros(value.shape, jax.dtypes.float0)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_custom_jvp(row: Layer) -> None:
    model = counted(row)
    pure = explicit(model)
    chosen = model.state_dict(tx.Parameter)

    plain = jax.custom_jvp(pure)

    @plain.defjvp
    def plain_rule(primals: Any, tangents: Any) -> Any:
        y, state = pure(*primals)
        moves = [value for path, value in tangents[0].items() if path in chosen]
        still = jax.tree.map(still_tangent, state)
        return (y, state), (false_derivative(y, moves, tangents[1]), still)

    lifted = tx.custom_jvp(call)

    @lifted.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        model, x = primals
        y = model(x)
        moves = tangents[0].parameters()
        return y, false_derivative(y, jax.tree.leaves(moves), tangents[1])

    inside, rest = parameters(model.state_dict(), model)
    inputs = (row.x,) if row.floating else ()

    def of_state(inside: State, x: jax.Array = row.x) -> Any:
        return plain({**inside, **rest}, x)

    direction = jax.tree.map(jnp.cos, (inside, *inputs))
    moved, plainly = together(
        row,
        lambda *args: tx.jvp(lambda model, x=row.x: lifted(model, x), *args),
        lambda *args: jax.jvp(of_state, *args, has_aux=True),
    )
    expected, change, state = plainly((inside, *inputs), direction)
    of_model = model.parameters().map(jnp.cos)
    result = moved((model, *inputs), (of_model, *direction[1:]))
    assert_same(result, (expected, change))
    assert_same(model.state_dict(), state)
