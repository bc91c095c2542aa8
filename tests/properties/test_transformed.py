"""One program, one meaning, also when transformations are nested in it at random."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import jax.numpy as jnp
from hypothesis import given, settings

import treexlite as tx
from tests.budget import examples
from tests.properties.strategies import SHAPES, build, dump, trees
from tests.properties.transformed import Eager, Lifted, programs


def _run(run: Any, root: Any) -> Any:
    """Run a program twice on the same object; describe what came out and what it left behind."""
    results = []
    for _ in range(2):
        x, f, made = run(root, jnp.array(3, jnp.int32), jnp.array(1.0))
        results.append((dump(x), dump(f), [dump(module) for module in made], dump(root)))
    return results


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_nested_transformations_mean_what_plain_python_means(data: st.DataObject) -> None:
    """Python loops and branches, `tx` transformations, and those under `tx.jit` agree."""
    tree = data.draw(st.sampled_from(SHAPES).flatmap(lambda shape: trees(True, shape)), "tree")
    program = data.draw(st.integers(1, 3).flatmap(programs), "program")
    expected = _run(lambda *args: Eager().run(program, *args), build(tree))
    lifted = Lifted()
    assert _run(lambda *args: lifted.run(program, *args), build(tree)) == expected
    lifted = Lifted()
    compiled = tx.jit(lambda *args: lifted.run(program, *args), donate=True)
    assert _run(compiled, build(tree)) == expected
