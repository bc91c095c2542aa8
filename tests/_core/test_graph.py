import gc
import weakref
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, Zoo
from treexlite._core import _graph
from treexlite._core._graph import LEAF, modules_of, walk
from treexlite._errors import CycleError


class Pair(NamedTuple):
    left: Any
    right: Any


class Holder(tx.Module):
    def __init__(self, value: Any) -> None:
        self.value = value


def test_a_walk_numbers_modules_by_first_appearance_and_visits_each_once() -> None:
    shared = Scale(1.0)
    root = Holder([shared, Holder(shared), Counter()])
    found = walk(root)
    assert [type(m).__name__ for m in modules_of(root, found)] == [
        "Holder",
        "Scale",
        "Holder",
        "Counter",
    ]
    assert found.spec.num_modules == 4
    assert found.spec.num_slots == 2
    assert len(found.values()) == 2


def test_equal_structures_have_the_same_spec() -> None:
    assert walk(Zoo()).spec is walk(Zoo()).spec
    assert walk(Zoo()).spec is not walk(Zoo().eval()).spec


def test_sharing_is_part_of_the_spec() -> None:
    scale = Scale()
    assert walk(Holder([scale, scale])).spec is not walk(Holder([Scale(), Scale()])).spec
    assert walk(Holder([scale, scale])).spec is walk(Holder([one := Scale(), one])).spec


def test_building_from_a_spec_gives_new_modules_with_the_same_sharing() -> None:
    scale = Scale(3.0)
    root = Holder({"a": scale, "b": (scale, "name")})
    found = walk(root)
    built, modules, containers = found.spec.build(found.values())
    assert built.value["a"] is built.value["b"][0]
    assert built.value["b"][1] == "name"
    assert built.value["a"] is not scale
    assert built.value["a"].w is scale.w
    assert modules == [built, built.value["a"]]
    assert [id(container) for container in containers] == [id(built.value)]


def test_a_walk_is_kept_until_the_structure_changes() -> None:
    root = Holder([Scale(), {"k": Counter()}])
    found = walk(root)
    root.value[0].w = jnp.array(5.0)
    root.value[1]["k"].count()
    assert walk(root) is found
    assert [float(v) for v in found.values()] == [5.0, 1.0]
    for change in (
        lambda: root.value.append(Scale()),
        lambda: root.value[1].update(z=Scale()),
        lambda: root.value[1].pop("k"),
        lambda: root.value.__setitem__(0, Scale()),
        lambda: setattr(root.value[0], "w", {"tree": 1}),
        lambda: setattr(root.value[0], "new", 1),
        lambda: root.value[0].freeze(inplace=True),
        lambda: root.value.reverse(),
        lambda: setattr(root, "other", Scale()),
    ):
        before = walk(root)
        change()
        after = walk(root)
        assert after is not before
        assert walk(root) is after


def test_data_inside_tuples_is_read_anew_each_time() -> None:
    class Model(tx.Module):
        pair: Any = tx.State.node()

        def __init__(self) -> None:
            self.pair = Pair(Scale(1.0), jnp.array(2.0))

    model = Model()
    walk(model)
    model.pair = Pair(model.pair.left, jnp.array(3.0))
    assert [float(v) for v in walk(model).values()] == [1.0, 3.0]


def test_cycles_are_named_by_both_paths() -> None:
    root = Holder(None)
    middle = Holder([root])
    root.value = {"down": middle}
    with pytest.raises(CycleError, match="contains itself") as caught:
        walk(root)
    assert "the root" in str(caught.value)
    assert "`value/down/value/0`" in str(caught.value)


def test_a_cycle_below_a_container_is_named_by_both_paths() -> None:
    loop = Holder(None)
    loop.value = [loop]
    with pytest.raises(CycleError, match="contains itself"):
        walk([Scale(), loop])


def test_nothing_keeps_modules_arrays_or_structures_alive() -> None:
    class Local(tx.Module):
        w: Any = tx.Parameter.node()

        def __init__(self) -> None:
            self.w = jnp.ones(3)
            self.child = Scale()

    model = Local()
    fast = tx.jit(lambda m: m.child(m.w))
    grad = tx.grad(lambda m: m.child(m.w).sum())
    fast(model), grad(model), model.copy(), list(model.modules()), jax.tree.leaves(model)
    jax.jit(lambda m: m.w)(model)
    references = [weakref.ref(x) for x in (model, model.child, model.w)]
    del model
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


def test_interned_structures_die_with_their_last_user() -> None:
    class Token:
        pass

    token = Token()
    model = Holder([token, Scale()])
    walk(model), jax.tree.leaves(model)
    reference = weakref.ref(token)
    spec = weakref.ref(walk(model).spec)
    del model, token
    gc.collect()
    assert reference() is None
    assert spec() is None


def test_a_removed_child_is_not_kept_alive_by_its_parent() -> None:
    model = Holder([Scale(), Scale()])
    list(model.modules())
    reference = weakref.ref(model.value[0])
    model.value.pop(0)
    list(model.modules())
    gc.collect()
    assert reference() is None


def test_an_initialised_modules_statics_die_with_it() -> None:
    class Token:
        pass

    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __init__(self, token: Token) -> None:
            self.token = token
            self.w = tx.Initializer(lambda key: jnp.ones(2))

    model = Model(Token())
    reference = weakref.ref(model.token)
    initialised = model.init(0)
    del model, initialised
    gc.collect()
    assert reference() is None


def test_walks_of_plain_trees_and_leaves_work_too() -> None:
    found = walk({"a": 1.0, "m": [Scale(2.0)]})
    assert [float(v) for v in found.values()] == [1.0, 2.0]
    assert walk(3.0).spec.tree is LEAF
    assert walk(3.0).values() == [3.0]


def test_leaves_print_as_such() -> None:
    assert repr(_graph.LEAF) == "LEAF"


def test_an_empty_list_in_two_places_stays_one_when_traced_code_fills_it() -> None:
    class Part(tx.Module):
        def __init__(self, items: list[Any]) -> None:
            self.items = items

    class Whole(tx.Module):
        def __init__(self) -> None:
            self.items: list[Any] = []
            self.part = Part(self.items)

    whole = Whole()
    items = whole.items
    tx.jit(lambda whole: whole.items.append(Scale(2.0)))(whole)
    assert whole.items is whole.part.items is items
    assert [float(item.w) for item in items] == [2.0]
