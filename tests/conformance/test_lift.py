"""`tx.lift(transform)` equals that transformation of JAX over an explicit state."""

from typing import Any

import jax
import pytest
from jax.experimental import checkify

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled
from tests.conformance.explicit import assert_same, call, counted, explicit, stacked

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_lift(row: Layer) -> None:
    """Of `jax.checkpoint`, whose result is what the function returns."""
    model = counted(row)
    expected, state = jax.checkpoint(explicit(model))(model.state_dict(), row.x)
    assert_same(tx.lift(jax.checkpoint)(model)(row.x), expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_lift_of_a_map_over_stacked_models(row: Layer) -> None:
    models = [counted(row, number) for number in range(2)]
    plain = jax.vmap(explicit(models[0]), in_axes=(0, None))
    expected, state = plain(stacked([model.state_dict() for model in models]), row.x)
    model = tx.stack(models)
    assert_same(tx.lift(jax.vmap, in_axes=(0, None))(call)(model, row.x), expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_lift_of_what_returns_more(row: Layer) -> None:
    """`checkify` returns an error beside the result."""
    model = counted(row)

    def checked(model: Any, x: jax.Array) -> jax.Array:
        checkify.check(model.calls < 1, "called before")
        return model(x)

    plain = checkify.checkify(explicit(model, checked))
    lifted = tx.lift(checkify.checkify)(checked)
    state = model.state_dict()
    for failed in (False, True):
        error, (expected, state) = plain(state, row.x)
        found, y = lifted(model, row.x)
        assert (found.get() is not None) == (error.get() is not None) == failed
        assert_same(y, expected)
        assert_same(model.state_dict(), state)
