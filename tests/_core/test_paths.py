from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Dense, Scale, X, make_net
from treexlite._core._graph import walk
from treexlite._core._paths import key_path, leaf_paths, places, slot_numbers


class Pair(NamedTuple):
    left: Any
    right: Any


class Model(tx.Module):
    stats: Any = tx.BatchStat.node()

    def __init__(self) -> None:
        self.stats = {"b": jnp.array(1.0), "a": [jnp.array(2.0)]}
        self.layers = [Scale(3.0), {"k": Scale(4.0), 7: Scale(5.0)}]
        self.pair = Pair(Scale(6.0), Scale(7.0))
        self.tied = self.layers[0]


def test_paths_name_fields_indices_keys_and_attributes() -> None:
    assert {path: float(leaf) for path, leaf in Model().state_dict().items()} == {
        "stats/b": 1.0,
        "stats/a/0": 2.0,
        "layers/0/w": 3.0,
        "layers/1/k/w": 4.0,
        "layers/1/7/w": 5.0,
        "pair/0/w": 6.0,
        "pair/1/w": 7.0,
    }


def test_a_field_info_says_everything_about_one_leaf() -> None:
    model = Model()
    infos = {info.path: info for info in model.fields()}
    info = infos["stats/a/0"]
    assert (info.name, info.kind, info.module) == ("stats", tx.BatchStat, model)
    assert info.value is model.stats["a"][0]
    info = infos["layers/1/k/w"]
    assert (info.name, info.kind, info.module) == ("w", tx.Parameter, model.layers[1]["k"])


def test_a_shared_module_has_its_first_path_and_answers_to_all() -> None:
    model = Model()
    spec = walk(model).spec
    where = places(spec)
    assert where.aliases == (("tied", "layers/0"),)
    numbers = slot_numbers(spec)
    assert numbers["tied/w"] == numbers["layers/0/w"]
    assert "tied/w" not in model.state_dict()


def test_paths_through_nested_sharing_are_all_known() -> None:
    inner = Scale()

    class Block(tx.Module):
        def __init__(self) -> None:
            self.inner = inner

    class Root(tx.Module):
        def __init__(self) -> None:
            block = Block()
            self.a, self.b, self.c = block, [block], inner

    numbers = slot_numbers(walk(Root()).spec)
    assert numbers == {"a/inner/w": 0, "b/0/inner/w": 0, "c/w": 0}


def test_paths_are_found_once_per_structure() -> None:
    assert places(walk(Model()).spec) is places(walk(Model()).spec)


def test_frozen_parts_are_known_from_the_structure() -> None:
    model = Model()
    model.layers[0].freeze(inplace=True)
    where = places(walk(model).spec)
    assert dict(zip(where.modules, where.frozen, strict=True))["layers/0"] is True
    assert where.frozen[0] is False


def test_key_paths_of_jax_are_rendered_like_ours() -> None:
    tree = {"a": [1, (2, Pair(3, 4))]}
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    assert [key_path(keys) for keys, _ in flat] == ["a/0", "a/1/0", "a/1/1/left", "a/1/1/right"]
    assert leaf_paths("root", 5) == [("root", 5)]
    assert leaf_paths("", {"x": 5}) == [("x", 5)]


COLLISIONS = {
    "int and string": lambda: {1: Scale(1.0), "1": Scale(2.0)},
    "slash": lambda: {"a/b": Scale(1.0), "a": {"b": Scale(2.0)}},
}


@pytest.mark.parametrize("make", COLLISIONS.values(), ids=COLLISIONS.keys())
def test_keys_that_print_alike_lose_nothing(make: Any) -> None:
    class Two(tx.Module):
        def __init__(self) -> None:
            self.named = make()

    def values(model: tx.Module) -> list[float]:
        return [float(x) for x in jax.tree.leaves(model)]

    try:
        model = Two()
        paths = list(model.state_dict())
    except ValueError as error:  # a refusal that names the path is as good
        assert "named/" in str(error)  # noqa: PT017
        return
    assert len(set(paths)) == 2
    assert values(model.merge(model.map(lambda x: x * 10))) == [10.0, 20.0]

    def loss(one: Any, two: Any) -> Any:
        first, second = jax.tree.leaves(one)
        return 3 * first + 5 * second

    assert values(tx.grad(loss)(model, model)) == [3.0, 5.0]


def test_paths_of_an_initialised_model_are_those_users_read() -> None:
    assert list(make_net().state_dict()) == [
        "layers/0/w",
        "layers/0/b",
        "layers/1/w",
        "layers/1/b",
        "norm/scale",
        "norm/mean",
    ]
    assert list(Dense(2).init(0, X).state_dict()) == ["w", "b"]
