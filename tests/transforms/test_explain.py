"""`tx.explain_retrace` tells why a function was traced again."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._errors import ArgumentError


class Model(tx.Module):
    w: Any = tx.Parameter.node(1.0)

    def __init__(self) -> None:
        self.layers = [Scale(), Scale()]
        self.layers[1].rate = 0.1

    @tx.jit
    def step(self, batch: Any) -> Any:
        return self.w * batch["x"].sum()


def test_before_the_first_call_and_after_it() -> None:
    fast = tx.jit(lambda x: x)
    assert "has not been traced yet" in tx.explain_retrace(fast)
    fast(1)
    assert tx.explain_retrace(fast).startswith("`<lambda>` was traced once, and is not")


def test_it_names_paths_with_old_and_new() -> None:
    def step(model: Model, batch: Any, mode: str = "a") -> Any:
        return model.w * batch["x"]

    fast = tx.jit(step, static_argnames="mode")
    model = Model()
    fast(model, {"x": jnp.ones((32, 3))})
    fast(model, {"x": jnp.ones((16, 3))})
    model.layers[1].rate = 0.2
    fast(model, {"x": jnp.ones((16, 3))})
    fast(model.eval(), {"x": jnp.ones((16, 3))}, mode="b")
    assert tx.explain_retrace(fast).splitlines() == [
        "`step` was traced 4 times.",
        "Trace 2 differed from trace 1:",
        "  argument `args[1]['x']`: float32[32,3] -> float32[16,3]",
        "Trace 3 differed from trace 2:",
        "  static `model/layers/1/rate`: 0.1 -> 0.2",
        "Trace 4 differed from trace 3:",
        "  mode `model/training`: True -> False",
        "  static argument `mode`: (absent) -> 'b'",
    ]


def test_it_compares_with_the_most_similar_trace() -> None:
    fast = tx.jit(lambda model, x: model.w * x)
    fast(Model(), jnp.ones(3))
    fast(Model().eval(), jnp.ones((2, 2)))
    fast(Model(), jnp.ones(4))
    assert "Trace 3 differed from trace 1:\n  argument `args[1]`: float32[3] -> float32[4]" in (
        tx.explain_retrace(fast)
    )


def test_jitted_methods_bound_or_not_tell_the_same() -> None:
    model = Model()
    Model.step.clear_cache()
    for n in range(2):
        model.step({"x": jnp.ones(n)})
    text = tx.explain_retrace(model.step)
    assert "argument `args[1]['x']`: float32[0] -> float32[1]" in text
    assert tx.explain_retrace(Model.step) == text
    bound = tx.jit(model.step)
    for n in range(2):
        bound({"x": jnp.ones(n)})
    assert "argument `args[0]['x']`: float32[0] -> float32[1]" in tx.explain_retrace(bound)


def test_a_trace_for_another_reason_is_admitted() -> None:
    fast = tx.jit(lambda x: x + 1)
    fast(1)
    fast._compiled.clear_cache()
    fast(1)
    assert "nothing in the modules and arguments" in tx.explain_retrace(fast)


def test_other_functions_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^explain_retrace: .*received jitted=.*Pass what"):
        tx.explain_retrace(lambda x: x)
    with pytest.raises(ArgumentError, match="jitted"):
        tx.explain_retrace(tx.grad(lambda x: x))
