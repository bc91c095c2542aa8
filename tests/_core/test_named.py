from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Scale, Zoo, untouched
from treexlite._core._named import canonical_paths, named_leaves, with_named


class Tied(tx.Module):
    def __init__(self) -> None:
        self.z = Scale(1.0)
        self.a = {"z": self.z, "own": Scale(2.0)}


def everything(info: tx.FieldInfo) -> bool:
    return True


def test_leaves_come_by_path_in_sorted_order() -> None:
    named = named_leaves(Tied(), everything)
    assert list(named) == ["a/own/w", "z/w"]
    assert list(named_leaves({"b": 1.0, "a": [2.0, 3.0]}, everything)) == ["a/0", "a/1", "b"]
    assert named_leaves(5.0, everything) == {"": 5.0}


def test_leaves_can_be_chosen() -> None:
    assert list(named_leaves(Zoo(), lambda info: info.kind is tx.State)) == ["n"]


def test_new_values_are_put_at_their_paths_in_a_new_tree() -> None:
    model = Zoo()
    with untouched(model):
        changed = with_named(model, {"kids/0/w": jnp.array(9.0)})
    assert float(changed.kids[0].w) == 9.0
    assert changed.a is model.a
    assert with_named({"b": 1.0, "a": [2.0, 3.0]}, {"a/1": 7.0}) == {"b": 1.0, "a": [2.0, 7.0]}
    assert with_named(5.0, {"": 6.0}) == 6.0


def test_the_rest_can_be_dropped() -> None:
    changed = with_named(Zoo(), {"a": jnp.array(9.0)}, rest=tx.Nothing)
    assert changed.n is tx.Nothing
    assert len(jax.tree.leaves(changed)) == 1


def test_in_place_the_modules_themselves_are_changed() -> None:
    model = Zoo()
    kids = model.kids
    assert with_named(model, {"kids/1/w": jnp.array(9.0)}, inplace=True) is model
    assert float(model.kids[1].w) == 9.0
    assert model.kids is kids


@pytest.mark.parametrize(
    ("path", "first"), [("a/z/w", "z/w"), ("z/w", "z/w"), ("a/own/w", "a/own/w"), ("none", "none")]
)
def test_paths_through_shared_modules_have_one_name(path: str, first: str) -> None:
    assert canonical_paths(Tied())(path) == first


def test_paths_inside_a_tree_of_a_shared_module_have_one_name() -> None:
    class Model(tx.Module):
        stats: Any = tx.State.node()

        def __init__(self) -> None:
            self.stats = {"a": [1.0, 2.0]}

    shared = Model()
    assert canonical_paths([shared, shared])("1/stats/a/0") == "0/stats/a/0"
