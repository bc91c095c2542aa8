"""Traces are remembered in words, and a static that changes at every call is noticed."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale
from treexlite._errors import RetraceWarning
from treexlite.transforms import _history


class Model(tx.Module):
    """Counts its calls in a plain integer, as a user would."""

    w: Any = tx.Parameter.node(1.0)

    def __init__(self) -> None:
        self.hits = 0
        self.part = Scale()
        self.part.rate = 0.5

    def hit(self, x: Any = 0.0) -> Any:
        self.hits += 1
        return self.w * x


@contextmanager
def warned(count: int) -> Iterator[list[Any]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    assert [warning.category for warning in caught] == [RetraceWarning] * count


def test_a_static_that_changes_at_every_call_is_named_once() -> None:
    model, fast = Model(), tx.jit(Model.hit)
    with warned(0):
        for _ in range(3):
            fast(model)
    with warned(1) as caught:
        for _ in range(5):
            fast(model)
    text = str(caught[0].message)
    assert text.startswith("tx.jit of `hit`: expected the static attribute `self/hits` to stay")
    assert "(0 -> 1 -> 2 -> 3)" in text
    assert "`hits: jax.Array = tx.State.node()`" in text
    assert caught[0].filename == __file__


def test_each_field_and_each_function_is_named() -> None:
    def step(model: Model) -> None:
        model.hits += 1
        model.part.rate += 1.0

    with warned(2) as caught:
        model, fast = Model(), tx.jit(step)
        for _ in range(6):
            fast(model)
    texts = " ".join(str(warning.message) for warning in caught)
    assert "`model/hits`" in texts
    assert "`model/part/rate`" in texts
    with warned(1):
        fast = tx.jit(Model.hit)
        for _ in range(4):
            fast(model)


def test_alternating_modes_batches_and_configurations_are_silent() -> None:
    fast = tx.jit(lambda model, x: model.w * x)
    models = [Model(), Model().eval(), Model().freeze()]
    with warned(0):
        for n in range(12):
            fast(models[n % 3], jnp.ones(1 + n % 2))
        other = Model()
        for n in range(8):
            other.part.rate = float(n % 3)
            fast(other, jnp.ones(n))


def test_a_sweep_with_several_calls_each_is_silent() -> None:
    fast = tx.jit(lambda model, x: model.w * x)
    with warned(0):
        for rate in range(6):
            model = Model()
            model.part.rate = rate
            for _ in range(2):
                fast(model, 1.0)


def test_growing_structure_and_static_arguments_are_silent() -> None:
    def grow(model: Model) -> None:
        model.parts = [*getattr(model, "parts", []), Scale()]

    fast, power = tx.jit(grow), tx.jit(lambda x, n: x**n, static_argnums=1)
    model = Model()
    with warned(0):
        for n in range(6):
            fast(model)
            power(2.0, n)


def test_it_can_be_turned_off() -> None:
    model, fast = Model(), tx.jit(Model.hit)
    with warned(0), tx.config(retrace="off"):
        for _ in range(6):
            fast(model)


def test_where_warnings_are_errors_the_call_raises_and_changes_nothing() -> None:
    model, fast = Model(), tx.jit(Model.hit)
    for _ in range(3):
        fast(model)
    with pytest.raises(RetraceWarning, match="self/hits"):
        fast(model)
    assert model.hits == 3
    fast(model)
    assert model.hits == 4


def test_the_history_is_bounded_and_can_be_cleared() -> None:
    fast = tx.jit(lambda x: x)
    for n in range(20):
        fast(jnp.ones(n))
    assert len(fast.history.traces) == _history._MOST
    assert (fast.history.count, fast.history.calls) == (20, 20)
    fast.clear_cache()
    assert (fast.history.count, fast.history.calls, len(fast.history.traces)) == (0, 0, 0)


def test_it_keeps_no_module_and_no_array_alive() -> None:
    fast = tx.jit(lambda model, x: model.n + x)
    counter, x = Counter(), jnp.ones(3)
    fast(counter, x)
    refs = [weakref.ref(counter), weakref.ref(counter.n), weakref.ref(x)]
    del counter, x
    gc.collect()
    assert [ref() for ref in refs] == [None] * 3


def trace(*args: Any, f: Any = lambda a, b, c=0: 0, **kwargs: Any) -> _history.Trace:
    fast = tx.jit(f)
    fast(*args, **kwargs)
    found: _history.Trace = fast.history.traces[-1]
    return found


def changed(one: Any, two: Any) -> list[str]:
    return [str(difference) for difference in _history.changes(trace(*one), trace(*two))]


def test_arguments_are_named_as_they_are_passed() -> None:
    found = trace({"x": jnp.ones(2)}, 1, c=[np.ones((2, 3), np.int32)])
    assert found.arguments == {
        "args[0]['x']": "float32[2]",
        "args[1]": "int32[] (weakly typed)",
        "kwargs['c'][0]": "int32[2,3]",
    }
    assert trace(Scale(), {"m": [Scale()]}, c=Scale()).roots == ("a", "args[1]['m'][0]", "c")


def test_every_difference_is_listed() -> None:
    one, two = Model(), Model().eval()
    two.part.w = jnp.ones(3)
    assert changed((one, 1.0), (two, 1)) == [
        "mode `a/training`: True -> False",
        "data `a/part/w`: float32[] -> float32[3]",
        "argument `args[1]`: float32[] (weakly typed) -> int32[] (weakly typed)",
    ]
    assert changed((one, 1), (one, 1)) == []
    assert changed((one, 1), (1, one)) == [
        "modules `arguments`: a -> b",
        *changed((one, 1), (1, one))[1:],
    ]


def test_modules_that_are_shared_between_arguments_are_named_alike() -> None:
    one = Scale()
    assert changed((one, Scale()), (one, one))[0] == "sharing `a, b`: share nothing -> share"
    two = Scale()
    two.rate = 1
    assert changed((one, one), (two, two)) == ["static `a/rate`: (absent) -> 1"]
    two.w = jnp.ones(2)
    assert changed((one, one), (two, two))[1] == "data `a/w`: float32[] -> float32[2]"


def test_trees_in_a_field_are_named_leaf_by_leaf() -> None:
    one, two = Scale(), Scale()
    one.w, two.w = {"k": jnp.ones(1)}, {"k": jnp.ones(2)}
    assert changed((one, 0), (two, 0)) == ["data `a/w/k`: float32[1] -> float32[2]"]
    keys = jax.random.key(0)
    two.w = {"k": keys}
    assert changed((one, 0), (two, 0)) == ["data `a/w/k`: float32[1] -> key<fry>[]"]


def test_a_function_without_a_signature_has_positions_only() -> None:
    assert _history._parameters(max) == ()
