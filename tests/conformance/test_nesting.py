"""Transformations inside transformations equal the same nest of plain JAX over explicit state.

Every pair, in both orders, of a small model (`make test` takes half of them, each transformation
outside and inside of others); and some deeper nests of one with `BatchNorm` and `Dropout`. All of
it runs under `jit`, which is the outermost of all pairs and compiles each once; `while_loop` is
left to the deeper nests, because `fori_loop` is the same code with a derivative.
"""

import jax
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.conformance.explicit import assert_same, call, explicit
from tests.conformance.nesting import IMPOSSIBLE, LAYERED, LIFTED, PLAIN, QUICK, Everything, X

NAMES = [name for name in LIFTED if name != "while_loop"]
PAIRS = [
    (outer, inner)
    for row, outer in enumerate(NAMES)
    for column, inner in enumerate(NAMES)
    if outer != "jit" and (outer, inner) not in IMPOSSIBLE
    if ALL_LAWS or (row + column) % 2
]


def check(model: Everything, *names: str) -> None:
    """Nest the named transformations, the outermost first, and compare with the plain ones."""
    step, plain = call, explicit(model)
    for name in reversed(names):
        step, plain = LIFTED[name](step), PLAIN[name](plain)
    model = model.copy()
    state = model.state_dict()
    y = tx.jit(step)(model, X)
    expected, state = jax.jit(plain)(state, X)
    assert_same(y, expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_pairs(outer: str, inner: str) -> None:
    check(QUICK, outer, inner)


@pytest.mark.parametrize(
    "names",
    [
        ("remat", "jit", "grad", "scan", "vmap"),
        ("vmap", "while_loop", "cond", "jvp", "remat"),
        ("grad", "vmap", "custom_vjp", "while_loop", "jit"),
        ("while_loop", "vmap", "grad", "cond", "fori_loop"),
    ],
    ids="-".join,
)
def test_deep_nests(names: tuple[str, ...]) -> None:
    check(LAYERED, *names)


def test_both_tables_have_the_same_names() -> None:
    assert list(LIFTED) == list(PLAIN)
