from __future__ import annotations

import abc
import functools
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._core._class import flatten
from treexlite._errors import FieldError


def test_a_class_is_registered_with_jax_when_it_is_defined() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node(1.0)

    assert jax.tree.leaves(Model()) == [1.0]
    assert jax.tree.leaves(type("Made", (Model,), {})()) == [1.0]


def test_flattening_by_hand_gives_what_jax_gives() -> None:
    model = Scale(2.0)
    children, layout = model.tree_flatten()
    again = Scale.tree_unflatten(layout, children)
    assert type(again) is Scale
    assert float(again.w) == 2.0
    assert jax.tree.structure(again) == jax.tree.structure(model)


def test_a_rebuilt_module_has_no_constructor_run_and_its_own_identity() -> None:
    calls = []

    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __init__(self) -> None:
            calls.append(1)
            self.w = 1.0

    model = Model()
    again = jax.tree.map(lambda x: x + 1, model)
    assert (model.w, again.w, len(calls)) == (1.0, 2.0, 1)


def test_jax_may_put_anything_where_leaves_were() -> None:
    model = jax.tree.map(lambda x: "a string", Scale())
    assert model.w == "a string"
    assert jax.tree.map(lambda x: None, Scale()).w is None
    assert (
        jax.tree.transpose(
            jax.tree.structure(Scale()), jax.tree.structure([0, 0]), Scale([1.0, 2.0]).map(list)
        )[1].w
        == 2.0
    )


def test_abstract_methods_are_enforced() -> None:
    class Abstract(tx.Module, abc.ABC):
        @abc.abstractmethod
        def run(self) -> None: ...

    class Concrete(Abstract):
        def run(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # type: ignore[abstract]
    assert isinstance(Concrete(), Abstract)


def test_class_keywords_and_init_subclass_reach_the_users_hook() -> None:
    seen = {}

    class Plugin(tx.Module):
        def __init_subclass__(cls, tag: str = "", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            seen[cls.__name__] = tag

    class One(Plugin, tag="first"):
        w: Any = tx.Parameter.node(1.0)

    assert seen == {"One": "first"}
    assert jax.tree.leaves(One()) == [1.0]


def test_modules_are_compared_and_hashed_by_identity() -> None:
    one, two = Scale(), Scale()
    assert one == one
    assert one != two
    assert len({one: 1, two: 2}) == 2


def test_a_users_equality_is_kept() -> None:
    class Model(tx.Module):
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 3

    assert Model() == 5
    assert hash(Model()) == 3


def test_properties_with_setters_and_class_attributes_work() -> None:
    class Model(tx.Module):
        _w: Any = tx.Parameter.node(1.0)

        @property
        def w(self) -> Any:
            return self._w

        @w.setter
        def w(self, value: Any) -> None:
            self._w = value * 2

    model = Model()
    model.w = 3.0
    assert model.w == 6.0
    assert jax.tree.leaves(model) == [6.0]
    assert tx.jit(lambda m: setattr(m, "w", m.w + 1))(model) is None
    assert float(model.w) == 14.0


def test_a_cached_property_of_plain_values_works() -> None:
    class Model(tx.Module):
        @functools.cached_property
        def size(self) -> int:
            return 3

    model = Model()
    assert (model.size, model.size) == (3, 3)
    assert tx.jit(lambda m: m.size)(model) == 3


@pytest.mark.parametrize(
    "name", ["_version", "_layout", "_modes", "_trace", "_ready", "_walk", "_fields", "_name"]
)
def test_private_names_of_users_do_not_collide_with_ours(name: str) -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            setattr(self, name, "mine")
            self.k = 1

        def __call__(self, x: Any) -> Any:
            return x * self.k

    try:
        model = Model()
    except FieldError as error:  # a clear refusal is as good
        assert f"`{name}`" in str(error)  # noqa: PT017
        return
    fast = tx.jit(lambda m, x: m(x))
    assert fast(model, 1) == 1
    model.k = 2
    assert fast(model, 1) == 2
    assert getattr(model, name) == "mine"
    assert getattr(model.copy(), name) == "mine"
    assert getattr(jax.jit(lambda m: m)(model), name) == "mine"


def test_assigning_the_class_changes_the_class_or_is_refused() -> None:
    class Other(Scale):
        pass

    model = Scale()
    try:
        model.__class__ = Other
    except TypeError:
        assert type(model) is Scale
    else:
        assert type(model) is Other
    assert "__class__" not in vars(model)


class Mixed(tx.Module):
    """A list that JAX could not flatten: a layer, an array and a function."""

    items: Any = tx.State.node()

    def __init__(self, kind: type = list) -> None:
        self.items = kind([tx.nn.Flatten(), jnp.zeros(2), abs])


def _boxes(module: Any) -> list[Any]:
    return flatten(module)[0]


def test_a_container_is_boxed_once_while_nothing_changes() -> None:
    mixed = Mixed()
    (box,) = _boxes(mixed)
    assert jax.tree_util.tree_leaves(mixed)[0].tolist() == [0, 0]
    assert _boxes(mixed) == [box]
    mixed.items[1] = jnp.ones(2)
    assert _boxes(mixed) != [box]
    assert jax.tree_util.tree_leaves(mixed)[0].tolist() == [1, 1]


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_box_is_made_anew_after_every_way_of_writing(kind: type) -> None:
    def step(mixed: Mixed) -> None:
        layer, array, function = mixed.items
        mixed.items = kind([layer, array + 1, function])

    def values() -> list[float]:
        return jax.tree_util.tree_leaves(mixed)[0].tolist()

    mixed = Mixed(kind)
    assert values() == [0, 0]
    step(mixed)
    assert values() == [1, 1]
    tx.jit(step)(mixed)
    assert values() == [2, 2]
    mixed.update(mixed.map(lambda x: x + 1), inplace=True)
    assert values() == [3, 3]
    mixed.load_state_dict({"items/1": jnp.full(2, 4.0)})
    assert values() == [4, 4]
    assert jax.tree_util.tree_leaves(mixed.copy())[0].tolist() == [4, 4]
