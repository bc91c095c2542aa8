"""`tx.make_jaxpr` gives the program of the explicit-state version: run, it does the same."""

import jax
import pytest
from jax.extend.core import jaxpr_as_fun

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import assert_same, call, counted, explicit

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_make_jaxpr(row: Layer) -> None:
    model = counted(row)
    before = model.state_dict()
    jaxpr, shape = tx.make_jaxpr(call, return_shape=True)(model, row.x)
    after = model.state_dict()
    assert all(after[path] is value for path, value in before.items())

    expected, state = explicit(model)(before, row.x)
    y, *written = jaxpr_as_fun(jaxpr)(*before.values(), row.x)
    assert_same(y, expected)
    changed = [value for path, value in state.items() if value is not before[path]]
    assert_same(written, changed)
    assert shape == jax.eval_shape(lambda: expected)
