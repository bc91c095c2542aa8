from __future__ import annotations

from typing import Any

import jax.numpy as jnp

import treexlite as tx
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite.transforms._axes import ArgumentAxes
from treexlite.transforms._flat import Flat
from treexlite.transforms._outputs import Sorter
from treexlite.transforms._pack import pack


def sort(f: Any, model: Any, axes: Any, out_axes: Any, keyed: Any = ()) -> Any:
    packed = pack((model,), {})
    sorter = Sorter("f", packed, ArgumentAxes("f", packed, (axes,), 0), out_axes, keyed)
    flat = Flat(f, packed)
    payload, node = flat(packed.leaves, [])
    groups, done = sorter.sort(payload, node)
    return sorter, groups, done, payload


def test_values_are_sorted_by_axis_and_put_together_again() -> None:
    model = tx.stack([Stateful(), Stateful()])

    def f(model: Any) -> Any:
        model.w, model.count = model.w + 1, model.count + 1
        return {"a": X[0], "b": X[1]}

    sorter, groups, done, payload = sort(
        f, model, {tx.Parameter: 0, tx.State: None}, {"a": 1, "b": None}
    )
    assert sorter.axes == [0, 1, None]
    assert [len(group) for group in groups] == [1, 1, 2]
    assert [value.name for value in done.values] == [
        "the output['a']",
        "the output['b']",
        "field `w` (Parameter)",
        "field `count` (State)",
    ]
    assert_same(done.payload(groups, {}), payload)


def test_keys_of_lanes_come_from_outside() -> None:
    def f(model: Any) -> Any:
        model.key = model.key + 1

    _, groups, done, _ = sort(f, Stateful(), None, 0, keyed=[2])
    assert all(not group for group in groups)
    assert done.payload(groups, {2: "advanced"}) == (None, ["advanced"])


def test_new_structure_takes_the_axes_of_its_module_and_of_the_output() -> None:
    def f(model: Any) -> Any:
        model.calls += 1
        model.extra = Stateful()
        return Stateful(), jnp.ones(2)

    axes = {tx.Parameter: 0, ...: None}
    model = Stateful()
    model.w = jnp.ones((2, 3))
    _, _, done, _ = sort(f, model, axes, ({tx.Parameter: None, ...: 2}, 1))
    named = {value.name: value.axes for value in done.values}
    assert named["the new field `extra/w` (Parameter)"] == [0]
    assert named["the new field `extra/key` (Rng)"] == [None]
    assert named["the output `0/w`"] == [None]
    assert named["the output `0/log`"] == [2]
    assert named["the output `1`"] == [1]
