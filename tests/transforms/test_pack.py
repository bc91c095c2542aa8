import collections
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tests._core.modules import Counter, Scale, Zoo, untouched
from treexlite.transforms import _pack
from treexlite.transforms._pack import Hole, has_module, pack


def test_packing_leaves_holes_where_modules_were() -> None:
    scale, counter = Scale(1.0), Counter(2)
    packed = pack((scale, {"k": [counter, 3]}, "text"), {"named": scale})
    args, kwargs = packed.arguments
    assert [type(args[0]), type(args[1]["k"][0])] == [Hole, Hole]
    assert (args[1]["k"][1], args[2]) == (3, "text")
    assert kwargs["named"].index == 2
    assert packed.roots == [scale, counter, scale]
    assert [float(leaf) for leaf in packed.leaves] == [1.0, 2.0]


def test_packing_changes_nothing() -> None:
    model, argument = Zoo(), [Scale(1.0)]
    with untouched(model, *argument):
        pack((model, argument), {"x": {"k": argument}})
    assert len(argument) == 1


def test_modules_that_share_nothing_are_walked_apart_and_others_together() -> None:
    assert len(pack((Scale(), Zoo()), {}).walks) == 2
    scale = Scale()
    assert len(pack((scale, scale), {}).walks) == 1
    model = Zoo()
    assert len(pack((model, Scale(), model.kids[1]), {}).walks) == 1


def test_the_key_tells_structures_and_sharing_apart() -> None:
    scale = Scale()
    keys = [
        pack((Scale(), Scale()), {}).key,
        pack((scale, scale), {}).key,
        pack((Scale(),), {}).key,
        pack((Scale().eval(), Scale()), {}).key,
        pack(([Scale(), Scale()],), {}).key,
    ]
    assert keys[0] == pack((Scale(2.0), Scale(3.0)), {}).key
    assert keys[0] == keys[4]  # where the modules stand is part of the arguments, not of the key
    assert len(set(keys)) == 4


def test_a_call_without_modules_has_no_leaves() -> None:
    packed = pack((1, jnp.ones(2)), {"x": None})
    assert (packed.leaves, packed.specs, packed.modules()) == ([], (), [])


@pytest.mark.parametrize(
    "value",
    [Scale(), [1, [Scale()]], (Scale(),), {"a": Scale()}, collections.OrderedDict(a=[Scale()])],
)
def test_modules_are_found_in_containers(value: Any) -> None:
    assert has_module(value)


@pytest.mark.parametrize(
    "value", [1, "a", None, jnp.ones(1), np.ones(1), [1, (2,)], {"a": "b"}, Scale, len]
)
def test_other_values_hold_no_module(value: Any) -> None:
    assert not has_module(value)


def test_caches_of_a_walk_are_bounded() -> None:
    cache: dict[Any, Any] = {}
    for number in range(3 * _pack._MAX_REMEMBERED):
        _pack.remember(cache, number, number)
        assert len(cache) <= _pack._MAX_REMEMBERED
        assert cache[number] == number
