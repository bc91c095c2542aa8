"""Transformations inside transformations equal the same nest of plain JAX over explicit state."""

import pytest

from tests.conformance.explicit import assert_same, call, explicit
from tests.conformance.nesting import IMPOSSIBLE, LIFTED, MODEL, PLAIN, X

PAIRS = [(outer, inner) for outer in LIFTED for inner in LIFTED if (outer, inner) not in IMPOSSIBLE]


def check(*names: str) -> None:
    """Nest the named transformations, the outermost first, and compare with the plain ones."""
    step, plain = call, explicit(MODEL)
    for name in reversed(names):
        step, plain = LIFTED[name](step), PLAIN[name](plain)
    model = MODEL.copy()
    y = step(model, X)
    expected, state = plain(MODEL.state_dict(), X)
    assert_same(y, expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_pairs(outer: str, inner: str) -> None:
    check(outer, inner)


def test_a_derivative_of_a_loop_of_a_map_compiled_and_computed_again() -> None:
    check("remat", "jit", "grad", "scan", "vmap")
