"""`tx.stack` stacks every array of every state, and `tx.unstack` takes them apart again."""

import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled
from tests.conformance.explicit import assert_same, counted, stacked

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_stack_and_unstack(row: Layer) -> None:
    models = [counted(row, number) for number in range(3)]
    models[1].calls += 1
    states = [model.state_dict() for model in models]
    whole = tx.stack(models)
    assert_same(whole.state_dict(), stacked(states))
    for model, state in zip(tx.unstack(whole), states, strict=True):
        assert_same(model.state_dict(), state)
        assert all(model is not other for other in models)
    for model, state in zip(models, states, strict=True):
        after = model.state_dict()
        assert all(after[path] is value for path, value in state.items())
