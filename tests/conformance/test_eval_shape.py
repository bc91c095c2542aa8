"""`tx.eval_shape` equals `jax.eval_shape` of the explicit-state version; nothing changes."""

from typing import Any

import jax
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import counted, explicit

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_eval_shape(row: Layer) -> None:
    """Of the output, and of the returned model: the state that it would have."""
    model = counted(row)
    before = model.state_dict()
    x = jax.ShapeDtypeStruct(row.x.shape, row.x.dtype)

    def f(model: Any, x: jax.Array) -> Any:
        y = model(x)
        return {"y": y, "model": model}

    expected, state = jax.eval_shape(explicit(model), before, x)
    result = tx.eval_shape(f, model, x)
    assert result["y"] == expected
    assert result["model"].state_dict() == state
    assert type(result["model"]) is type(model)
    assert tx.eval_shape(model, x) == expected
    after = model.state_dict()
    assert all(after[path] is value for path, value in before.items())
