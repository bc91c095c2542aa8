"""One program, one meaning: eager, `tx.jit` and `jax.jit`-and-return agree in outputs and state."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from hypothesis import given, settings

import treexlite as tx
from tests.budget import examples
from tests.properties.strategies import Op, Tree, build, dump, programs, run, trees


def _compare(root: Any, twin: Any, outputs: tuple[Any, Any]) -> None:
    assert dump(outputs[0]) == dump(outputs[1])
    assert dump(root) == dump(twin)


@settings(max_examples=examples(500), deadline=None)
@given(tree=trees(sharing=True), first=programs(sharing=True), second=programs(sharing=True))
def test_tx_jit_equals_eager(tree: Tree, first: list[Op], second: list[Op]) -> None:
    """Two programs, run twice each on the same objects: traced, compiled, and compiled again."""
    eager, jitted = build(tree), build(tree)
    compiled = [
        tx.jit(lambda root, x, program=program: run(root, program, x), donate=donate)
        for program, donate in ((first, False), (second, True))
    ]
    for program, call in zip((first, second, first), (*compiled, compiled[0]), strict=True):
        x = jnp.array(7, jnp.int32)
        _compare(eager, jitted, (run(eager, program, x), call(jitted, x)))


@settings(max_examples=examples(250), deadline=None)
@given(tree=trees(sharing=False), program=programs(sharing=False))
def test_jax_jit_equals_eager(tree: Tree, program: list[Op]) -> None:
    """Plain `jax.jit` with the module returned; it cannot keep sharing, so nothing is shared."""
    eager, root = build(tree), build(tree)

    @jax.jit
    def compiled(root: Any, x: Any) -> Any:
        return root, run(root, program, x)

    for _ in range(2):
        x = jnp.array(7, jnp.int32)
        expected = run(eager, program, x)
        root, output = compiled(root, x)
        _compare(eager, root, (expected, output))


@settings(max_examples=examples(100), deadline=None)
@given(tree=trees(sharing=True), program=programs(sharing=True))
def test_copy_and_round_trip_change_nothing(tree: Tree, program: list[Op]) -> None:
    """A copy runs like the original and is independent of it."""
    original = build(tree)
    before = dump(original)
    copy = original.copy()
    assert dump(copy) == before
    run(copy, program, jnp.array(3, jnp.int32))
    assert dump(original) == before
