from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

import treexlite as tx
from tests.transforms.stateful import Memory, Stateful, X
from treexlite._errors import ArgumentError, ShapeError
from treexlite.transforms._axes import ArgumentAxes, axis_of, is_axis, is_kinds, spread
from treexlite.transforms._pack import pack


def test_a_dict_by_kind_is_no_tree_of_axes() -> None:
    assert is_kinds({tx.Parameter: 0})
    assert is_kinds({...: None})
    assert not is_kinds({"a": 0})
    assert not is_kinds({})
    assert all(map(is_axis, [0, None, -1, {tx.State: 0}, PartitionSpec("a")]))
    assert not any(map(is_axis, [(0,), {"a": 0}]))


def test_the_most_specific_kind_wins() -> None:
    axes = {tx.State: 1, tx.Cache: 2, ...: 3}
    kinds = (tx.Rng, tx.Cache, Memory, tx.Parameter, type(None))
    assert [axis_of(axes, kind) for kind in kinds] == [1, 2, 2, 3, 3]
    assert axis_of({tx.State: 1}, tx.Parameter) is None
    assert axis_of(5, tx.Parameter) == 5


def test_a_prefix_is_spread_over_the_leaves() -> None:
    tree = {"a": (1, 2), "b": Stateful(), "c": None}
    assert spread("f", "in_axes", 0, tree) == [0, 0, 0]
    assert spread("f", "in_axes", {"a": (0, None), "b": {...: 1}, "c": 7}, tree) == [
        0,
        None,
        {...: 1},
    ]
    with pytest.raises(ArgumentError, match="in_axes="):
        spread("f", "in_axes", {"a": 0}, tree)


def test_the_axes_of_a_call() -> None:
    model = tx.stack([Stateful(), Stateful()])
    packed = pack((model, X[:2], 3.0), {"k": X[:2], "flag": True})
    axes = ArgumentAxes("f", packed, ({tx.Parameter: 0, ...: None}, 0, None), 0)
    assert axes.slots == [0, None, None, None, None, None]
    assert axes.arrays == [0, None, None, 0]  # keywords come in the order of their names
    assert axes.size == 2


def test_known_arguments_are_shared() -> None:
    axes = ArgumentAxes("f", pack((Stateful(), X), {}), 0, 1)
    assert set(axes.slots) == {None}
    assert axes.arrays == [0]


@pytest.mark.parametrize(
    ("args", "axes", "error"),
    [
        ((X, X), (0,), ArgumentError),
        ((X,), 2, ShapeError),
        ((X,), -3, ShapeError),
        ((X, X[:1]), 0, ShapeError),
        ((X,), ({...: 0},), ArgumentError),
    ],
)
def test_axes_that_do_not_fit(args: Any, axes: Any, error: Any) -> None:
    with pytest.raises(error):
        ArgumentAxes("f", pack(args, {}), axes, 0)


def test_errors_count_arguments_as_the_user_does() -> None:
    packed = pack((Stateful(), {"a": X}), {"k": X[:1]})
    with pytest.raises(ShapeError, match=r"4 for argument 0\['a'\], and 1 for argument 'k'"):
        ArgumentAxes("f", packed, 0, 1)


def test_nothing_mapped_has_no_size() -> None:
    assert ArgumentAxes("f", pack((jnp.ones(3),), {}), None, 0).size is None


def test_a_module_that_arguments_share_needs_one_choice() -> None:
    model = tx.stack([Stateful(), Stateful()])
    assert ArgumentAxes("f", pack((model, model), {}), 0, 0).size == 2
    with pytest.raises(ArgumentError, match="one choice of axes"):
        ArgumentAxes("f", pack((model, [model]), {}), (0, None), 0)
