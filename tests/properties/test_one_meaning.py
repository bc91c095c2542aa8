"""One program, one meaning: eager, `tx.jit` and `jax.jit`-and-return agree in outputs and state."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings

import treexlite as tx
from tests.budget import examples
from tests.properties.strategies import SHAPES, build, dump, programs, run, trees


def _compare(root: Any, twin: Any, outputs: tuple[Any, Any]) -> None:
    assert dump(outputs[0]) == dump(outputs[1])
    assert dump(root) == dump(twin)


def _per_shape(count: int) -> Any:
    """Share the examples out among the shapes of the outermost module, one test for each."""
    return settings(max_examples=-(-examples(count) // len(SHAPES)), deadline=None)


every_shape = pytest.mark.parametrize("shape", SHAPES)


@every_shape
@_per_shape(500)
@given(data=st.data())
def test_tx_jit_equals_eager(shape: str, data: st.DataObject) -> None:
    """Two programs on the same objects, the first twice: traced, compiled, and found again."""
    tree = data.draw(trees(True, shape), "tree")
    first, second = data.draw(programs(True), "first"), data.draw(programs(True), "second")
    eager, jitted = build(tree), build(tree)
    compiled = [
        tx.jit(lambda root, x, program=program: run(root, program, x), donate=donate)
        for program, donate in ((first, False), (second, True))
    ]
    for program, call in zip((first, second, first), (*compiled, compiled[0]), strict=True):
        x = jnp.array(7, jnp.int32)
        _compare(eager, jitted, (run(eager, program, x), call(jitted, x)))


@every_shape
@_per_shape(250)
@given(data=st.data())
def test_jax_jit_equals_eager(shape: str, data: st.DataObject) -> None:
    """Plain `jax.jit` with the module returned; it cannot keep sharing, so nothing is shared."""
    tree, program = data.draw(trees(False, shape), "tree"), data.draw(programs(False), "program")
    eager, root = build(tree), build(tree)

    @jax.jit
    def compiled(root: Any, x: Any) -> Any:
        return root, run(root, program, x)

    for _ in range(2):
        x = jnp.array(7, jnp.int32)
        expected = run(eager, program, x)
        with tx.config(lost_mutation="off"):  # a program may write to what it detaches and drops
            root, output = compiled(root, x)
        _compare(eager, root, (expected, output))


@every_shape
@_per_shape(120)
@given(data=st.data())
def test_copy_and_original_go_their_own_ways(shape: str, data: st.DataObject) -> None:
    """A copy is equal to its original, and a program run on it does not touch the original."""
    original = build(data.draw(trees(True, shape), "tree"))
    before = dump(original)
    copy = original.copy()
    assert dump(copy) == before
    run(copy, data.draw(programs(True), "program"), jnp.array(3, jnp.int32))
    assert dump(original) == before
