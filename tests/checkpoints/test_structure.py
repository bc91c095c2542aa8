from __future__ import annotations

import collections
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Dense, Scale, make_net
from treexlite._errors import ArgumentError, CycleError, NotInitializedError
from treexlite.checkpoints import _nodes, _structure


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Data:
    a: Any
    b: Any


class Mine(tx.Parameter):
    """A kind of the user's own."""


class Mixed(tx.Module):
    w: jax.Array = Mine.node()
    s: Any = tx.State.node()
    rate: float = tx.static(default=0.5)

    def __init__(self) -> None:
        self.w = jnp.ones(2)
        self.s = {"b": jnp.zeros(1), "a": [1, 2.5, None]}
        self.steps = [Scale(1.0), jnp.tanh, "a note"]
        self.again = self.steps[0]
        self.call = jnp.tanh


class Holder(tx.Module):
    def __init__(self) -> None:
        self.part = Scale(1.0)


def there_and_back(tree: Any) -> Any:
    encoded = _structure.encode("save", tree)
    return _structure.decode(encoded.node, encoded.arrays.__getitem__)


def test_containers_and_plain_data_come_back_as_they_are() -> None:
    array = jnp.ones(2)
    tree = {
        "list": [array, 1, (), []],
        "tuple": (array, {}, None),
        2: {(1, "a"): array, True: "x"},
        "set": {1, 2},
        "bytes": b"\0",
    }
    assert there_and_back(tree) == tree
    assert list(there_and_back(tree)) == list(tree)
    assert there_and_back(array) is array
    assert there_and_back(3) == 3


def test_records_come_back_as_dicts_of_their_fields() -> None:
    tree = [Pair(1, {"x": 2}), Data([1], jnp.sin), collections.OrderedDict(b=1, a=2)]
    module = Holder()
    module.extra = Data([module.part], jnp.sin)
    found = there_and_back(module)
    assert list(found["extra"]) == ["a", "b"]
    assert found["extra"]["b"] is None
    assert there_and_back([tree[0], tree[2]]) == [{"a": 1, "b": {"x": 2}}, {"b": 1, "a": 2}]


def test_a_module_comes_back_as_its_fields() -> None:
    model = Mixed()
    found = there_and_back(model)
    assert list(found) == ["w", "s", "steps", "again"]
    assert found["w"] is model.w
    assert found["s"]["a"] == [1, 2.5, None]
    assert found["steps"][1:] == [None, "a note"]
    assert found["again"] is found["steps"][0]


def test_names_are_the_paths_of_a_state_dict() -> None:
    for tree in (Mixed(), make_net(), {"a": [Mixed()], "b": jnp.ones(1)}, tx.Optimizer("adam")):
        tree = tree.init(make_net()) if isinstance(tree, tx.Optimizer) else tree
        paths = [info.path for info in tx._core._tree.fields(tree)]
        encoded = _structure.encode("save", tree)
        outside, inside = _nodes.values(encoded.node)
        assert set(paths) <= {*encoded.arrays, *outside, *inside}
        assert set(encoded.arrays) <= set(paths)


def test_kinds_are_the_nearest_ones_of_ours() -> None:
    kinds = _structure.encode("save", Mixed()).kinds
    assert kinds == {"w": "Parameter", "s/b": "State", "steps/0/w": "Parameter"}
    assert _structure.encode("save", [Mixed()], "@extra").kinds["@extra/0/w"] == "Parameter"


def test_what_is_shared_stays_shared() -> None:
    inner = [jnp.ones(1)]
    data = Data(inner, 1)
    model = Holder()
    found = there_and_back({"a": inner, "b": inner, "m": [model, model], "c": inner})
    assert found["a"] is found["b"] is found["c"]
    assert found["m"][0] is found["m"][1]
    node = _structure.encode("save", [data, inner, data]).node
    assert _nodes.aliases(node) == {"1": "0/a", "2": "0"}
    assert _structure.decode(node, lambda name: name)[2]["a"] == ["0/a/0"]


def test_what_a_filter_dropped_stays_dropped() -> None:
    found = there_and_back(tx.filter(Mixed(), tx.State))
    assert found["w"] is tx.Nothing


def test_arrays_of_two_names_that_print_alike_are_refused() -> None:
    with pytest.raises(ArgumentError, match="a path of its own for each array, received two at"):
        _structure.encode("save", {1: jnp.ones(1), "1": jnp.ones(1)})


@pytest.mark.parametrize("tree", [jnp.sin, {"a": object()}, [print]])
def test_what_can_only_be_pickled_is_refused(tree: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^save: expected arrays, modules, .* ever pickled"):
        _structure.encode("save", tree)


def test_keys_of_dicts_are_plain() -> None:
    with pytest.raises(ArgumentError, match="dict keys that are plain data"):
        _structure.encode("save", {np.float32(1): jnp.ones(1)})


def test_a_module_that_waits_for_init_is_refused() -> None:
    with pytest.raises(NotInitializedError, match=r"`a/0/w` is not created yet\. Call"):
        _structure.encode("save", {"a": [Dense(2)]})


def test_what_contains_itself_is_refused() -> None:
    circle: dict[str, Any] = {"a": {}}
    circle["a"]["b"] = circle
    with pytest.raises(CycleError, match="a/b"):
        _structure.encode("save", circle)
