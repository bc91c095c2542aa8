from __future__ import annotations

from typing import Any

import jax

from treexlite.transforms._aside import Aside


def test_a_value_comes_out_of_a_trace_as_it_was_put_in() -> None:
    said = ["anything"]

    def f(x: Any) -> Any:
        return x, Aside(tuple(said))

    for transform in (jax.jit, jax.vmap, jax.checkpoint):
        _, aside = transform(f)(jax.numpy.ones(2))
        assert aside.value == ("anything",)
    assert jax.tree.leaves(Aside(1)) == []
