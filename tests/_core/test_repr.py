from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Scale, Zoo, make_net
from treexlite._core._repr import array_text


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass
class Box:
    item: Any


class Holder(tx.Module):
    def __init__(self, value: Any) -> None:
        self.value = value


def test_the_text_of_a_small_model() -> None:
    assert repr(make_net()) == (
        "Net(\n"
        "  layers=[\n"
        "    Dense(w=Parameter f32[4, 3], b=Parameter f32[3], features=3),\n"
        "    Dense(w=Parameter f32[3, 2], b=Parameter f32[2], features=2),\n"
        "  ],\n"
        "  norm=Norm(scale=Parameter f32[2], mean=BatchStat f32[2]),\n"
        "  calls=0,\n"
        ")"
    )


def test_modes_that_are_not_usual_are_shown() -> None:
    assert repr(Scale().eval()) == "Scale(w=Parameter f32[], training=False)"
    assert repr(Scale().freeze()) == "Scale(w=Parameter f32[], frozen=True)"


CASES = [
    (Scale(), "Scale(w=Parameter f32[])"),
    ((Scale(),), "(Scale(w=Parameter f32[]),)"),
    ({"a": Scale()}, "{'a': Scale(w=Parameter f32[])}"),
    (Pair(Scale(), 1), "Pair(left=Scale(w=Parameter f32[]), right=1)"),
    (Box(Scale()), "Box(item=Scale(w=Parameter f32[]))"),
    (np.ones((2, 3)), "f64[2, 3]"),
    (jnp.tanh, "tanh"),
    ("relu", "'relu'"),
    ([], "[]"),
    (list(range(100)), "list of 100 items"),
    ("x" * 100, "'" + "x" * 56 + "..."),
    (tx.Nothing, "Nothing"),
    (None, "None"),
]


@pytest.mark.parametrize(("value", "text"), CASES)
def test_values_are_shown_short(value: Any, text: str) -> None:
    assert repr(Holder(value)) == f"Holder(value={text})"


def test_a_shared_module_is_shown_once_and_a_cycle_ends() -> None:
    shared = Scale()
    assert repr(Holder([shared, shared])) == (
        "Holder(value=[Scale(w=Parameter f32[]), Scale(...)])"
    )
    loop = Holder(None)
    loop.value = [loop]
    assert repr(loop) == "Holder(value=[Holder(...)])"


def test_pending_and_lazy_fields_are_shown() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()
        k: Any = tx.Rng.node(tx.Initializer(len))

    assert repr(Model()) == "Model(w=Parameter Pending, k=Rng Initializer(len))"


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (jnp.ones((8, 3)), "f32[8, 3]"),
        (jnp.ones((), jnp.bfloat16), "bf16[]"),
        (np.ones(2, np.uint8), "u8[2]"),
        (np.ones(2, bool), "bool[2]"),
        (np.ones(2, np.complex64), "c64[2]"),
        (jax.random.key(0), "key<fry>[]"),
        (jax.ShapeDtypeStruct((2,), jnp.int32), "i32[2]"),
    ],
)
def test_arrays_are_shown_as_dtype_and_shape(array: Any, text: str) -> None:
    assert array_text(array) == text


def test_tracers_are_shown_like_arrays() -> None:
    seen: list[str] = []
    jax.jit(lambda m: seen.append(repr(m)))(Scale())
    assert seen == ["Scale(w=Parameter f32[])"]


def test_a_copy_prints_like_the_original() -> None:
    class Mixed(tx.Module):
        k: int = tx.static(1)
        w: Any = tx.Parameter.node()

        def __init__(self) -> None:
            self.w = 1.0
            self.note = 3
            self.child = Scale()

    for model in (Mixed(), Zoo(), make_net()):
        assert repr(model.copy()) == repr(model)
        assert repr(jax.jit(lambda m: m)(model)).count("\n") == repr(model).count("\n")
