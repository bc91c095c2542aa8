import collections
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._core import _containers
from treexlite._core._containers import form_of


@dataclasses.dataclass
class Box:
    item: Any
    late: Any = dataclasses.field(default=None, init=False)


@jax.tree_util.register_pytree_node_class
class Registered:
    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right

    def tree_flatten(self) -> Any:
        return (self.left, self.right), None

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> Any:
        return cls(*children)


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Known:
    item: Any


class Pair(NamedTuple):
    left: Any
    right: Any


class Names(list):  # type: ignore[type-arg]
    pass


CASES: list[Any] = [
    [Scale(), "a", len],
    (Scale(), 3),
    {"b": Scale(), "a": [1]},
    {2: Scale(), "2": Scale()},
    Pair(1, Scale()),
    Names([Scale()]),
    collections.OrderedDict(b=Scale(), a=Scale()),
    collections.defaultdict(int, b=Scale()),
    Box(Scale()),
    Registered(Scale(), 1.0),
    Known([Scale()]),
    [[], [Scale()]],
]


@pytest.mark.parametrize("value", CASES, ids=lambda v: type(v).__name__)
def test_a_form_rebuilds_an_equal_container_around_its_children(value: Any) -> None:
    form = form_of(value, declared=False)
    assert form is not None
    again = form.rebuild(form.children(value))
    assert type(again) is type(value)
    assert again is not value
    assert form_of(again, declared=False) == form
    assert hash(form_of(again, declared=False)) == hash(form)
    before, after = form.children(value), form.children(again)
    assert all(x is y for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("value", [1, "a", None, jnp.ones(2), np.ones(2), Scale(), len])
def test_what_is_no_container_has_no_form(value: Any) -> None:
    assert form_of(value, declared=True) is None


def test_a_dataclass_keeps_fields_that_its_constructor_does_not_take() -> None:
    box = Box(Scale())
    box.late = "set later"
    form = form_of(box, declared=False)
    assert form is not None
    assert form.rebuild(form.children(box)).late == "set later"


def test_forms_differ_by_order_type_and_rest() -> None:
    scale = Scale()
    values = [
        {"a": scale, "b": 1},
        {"b": 1, "a": scale},
        {"a": scale, "b": 2},
        collections.OrderedDict(a=scale, b=1),
        [scale, 1],
        (scale, 1),
        [1, scale],
    ]
    forms = {form_of(value, declared=False) for value in values}
    assert len(forms) == len(values)


def test_in_a_declared_field_numbers_are_data_and_names_are_not() -> None:
    form = form_of([1, "a", np.ones(2), Scale(), None], declared=True)
    assert form is not None
    assert form.keys == (0, 2, 3)
    form = form_of([1, "a", np.ones(2), Scale(), None], declared=False)
    assert form is not None
    assert form.keys == (3,)


def test_holds_looks_into_every_container_but_not_into_modules() -> None:
    for value in CASES:
        assert _containers.holds_module(value)
        assert not _containers.holds_jax_array(
            [v for v in [value] if not isinstance(v, Registered)]
        )
    assert _containers.holds_jax_array({"a": [Box((1, jnp.ones(1)))]})
    assert _containers.holds_jax_array(Registered(1, jnp.ones(1)))
    assert not _containers.holds_jax_array([np.ones(1), 1.0, "a", tx.Nothing])
    assert not _containers.holds_module([Scale, "Scale", jnp.ones(1), Known(1)])


def test_a_box_goes_through_jax_with_readable_keys_and_the_users_order() -> None:
    box = _containers.Box({"z": Scale(), "a": [Scale(), "name"], "n": 1}, declared=False)
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(box)]
    assert paths == ["['z'].w", "['a'][0].w"]
    again = jax.tree.map(lambda x: x, box)
    assert list(again.value) == ["z", "a", "n"]
    assert again.value["a"][1] == "name"


def test_what_jax_rebuilds_is_not_described_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop through plain `jax.jit` takes apart in each step what it built in the last."""
    model = jax.tree.map(jnp.copy, tx.nn.Sequential(Scale(), jnp.sin, Scale()))
    structure = jax.tree.structure(model)
    described = []
    form_of = _containers.form_of
    monkeypatch.setattr(_containers, "form_of", lambda *a: (described.append(a), form_of(*a))[1])
    for _ in range(3):
        model = jax.tree.map(jnp.copy, model)
        assert jax.tree.structure(model) == structure
    assert described == []
    model.layers.append(jnp.cos)
    assert jax.tree.structure(model) != structure
    assert len(described) == 1


def test_a_tree_of_something_else_than_arrays_keeps_its_shape() -> None:
    model = tx.nn.Sequential(Scale(), jnp.sin, len)
    model.layers[2] = [Scale(), "name", {"b": Scale(), "a": len}]
    names = jax.tree.map(lambda a: str(a.dtype), model)
    assert names.layers[0].w == names.layers[2][2]["b"].w == "float32"
    assert names.layers[1] is jnp.sin
    assert names.layers[2][2]["a"] is len
    leaves, structure = jax.tree.flatten(model)
    assert jax.tree.unflatten(structure, [None] * len(leaves)).layers[0].w is None


def test_something_in_place_of_a_whole_container_is_kept() -> None:
    model = tx.nn.Sequential(Scale(), jnp.sin)
    (child,), structure = jax.tree.flatten(model, is_leaf=lambda v: v is not model)
    assert type(child) is _containers.Box
    assert jax.tree.unflatten(structure, [1]).layers == 1


def test_arrays_in_a_declared_dict_keep_insertion_order_through_jit() -> None:
    class Model(tx.Module):
        stats: dict[str, Any] = tx.State.node()

        def __init__(self) -> None:
            self.stats = {"z": jnp.array(1), "a": {"y": jnp.array(2), "b": jnp.array(3)}}

    for again in (
        jax.jit(lambda m: m)(Model()),
        tx.jit(lambda m: m)(Model()),
        Model().copy(),
        jax.tree.map(lambda x: x, Model()),
    ):
        assert list(again.stats) == ["z", "a"]
        assert list(again.stats["a"]) == ["y", "b"]
    assert list(Model().state_dict()) == ["stats/z", "stats/a/y", "stats/a/b"]


def test_a_declared_dict_may_have_keys_that_do_not_sort() -> None:
    class Model(tx.Module):
        log: Any = tx.State.node()

        def __init__(self) -> None:
            self.log = {"n": jnp.array(1), 2: jnp.array(2), None: jnp.array(3)}

    for way in (jax.jit(lambda m: m), tx.jit(lambda m: m.copy()), tx.Module.copy):
        assert [(k, int(v)) for k, v in way(Model()).log.items()] == [("n", 1), (2, 2), (None, 3)]


def test_registered_trees_that_hold_modules_keep_them_through_every_border() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.tree = Registered(Scale(1.0), [Scale(2.0)])

    def mutate(model: Model) -> None:
        model.tree.left.w = model.tree.left.w + 10

    for way in (lambda m: mutate(m), tx.jit(mutate)):
        model = Model()
        way(model)
        assert float(model.tree.left.w) == 11.0
        assert isinstance(model.copy().tree, Registered)
        assert len(list(model.modules())) == 3
