"""Tracing leaves nothing behind: the user's modules hold arrays before, during and after."""

import jax
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled

SAMPLED = sampled(__name__)


def assert_concrete(model: tx.Module) -> None:
    for info in model.fields():
        assert not isinstance(info.value, jax.core.Tracer), info.path


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_no_tracer_stays_after_a_trace(row: Layer) -> None:
    model = row.build()
    with jax.checking_leaks():
        tx.jit(lambda m, x: m(x))(model, row.x)
        assert_concrete(model)
        jax.jit(lambda m, x: (m(x), m))(model, row.x)
    assert_concrete(model)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_a_trace_that_fails_changes_nothing(row: Layer) -> None:
    model = row.build()
    before = model.state_dict()

    def fail(m: tx.Module, x: jax.Array) -> None:
        m(x)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        tx.jit(fail)(model, row.x)
    after = model.state_dict()
    assert all(after[path] is value for path, value in before.items())
