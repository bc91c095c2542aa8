from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._core._layout import layout_of
from treexlite._errors import FieldError


class Base(tx.Module):
    w: Any = tx.Parameter.node(1.0)
    rate: float = tx.static(0.5)
    log: list[int] = tx.static(default_factory=list)


def kinds(module: tx.Module) -> dict[str, type]:
    return {name: meta.kind for name, meta in type(module)._tx_fields.metadata.items() if meta.node}


def test_defaults_are_set_before_init_and_factories_make_new_values() -> None:
    class Model(Base):
        def __init__(self) -> None:
            self.seen = self.w, self.rate, list(self.log)

    one, two = Model(), Model()
    assert one.seen == (1.0, 0.5, [])
    assert one.log is not two.log


def test_a_field_is_never_the_field_object() -> None:
    model = Base()
    del model.rate
    with pytest.raises(AttributeError, match="rate"):
        _ = model.rate


def test_fields_are_inherited_bases_first() -> None:
    class Child(Base):
        b: Any = tx.State.node(2.0)

    class Grandchild(Child):
        a: Any = tx.BatchStat.node(3.0)

    assert jax.tree.leaves(Grandchild()) == [1.0, 2.0, 3.0]
    assert kinds(Grandchild()) == {"w": tx.Parameter, "b": tx.State, "a": tx.BatchStat}


def test_a_subclass_redefines_a_field_in_its_place() -> None:
    class Child(Base):
        b: Any = tx.State.node(2.0)
        w: Any = tx.State.node(9.0)

    assert jax.tree.leaves(Child()) == [9.0, 2.0]
    assert kinds(Child())["w"] is tx.State
    assert kinds(Base())["w"] is tx.Parameter


def test_a_subclass_turns_data_into_structure_and_back() -> None:
    class Frozen(Base):
        w: Any = tx.static(7.0)

    class Again(Frozen):
        w: Any = tx.Parameter.node(8.0)

    assert jax.tree.leaves(Frozen()) == []
    assert jax.tree.leaves(Again()) == [8.0]


def test_a_subclass_changes_a_default_by_a_plain_assignment() -> None:
    class Child(Base):
        w = 4.0
        rate = 0.25
        log = (1,)

    assert jax.tree.leaves(Child()) == [4.0]
    assert (Child().rate, Child().log) == (0.25, (1,))
    assert (Base().rate, Base().log) == (0.5, [])
    assert kinds(Child())["w"] is tx.Parameter


def test_a_redeclaration_without_default_drops_the_inherited_one() -> None:
    class Child(Base):
        rate: float = tx.static()

        def __init__(self, rate: float) -> None:
            if rate:
                self.rate = rate

    assert Child(0.1).rate == 0.1
    with pytest.raises(FieldError, match="`__init__` to set every declared static field"):
        Child(0)


def test_a_method_or_property_replaces_a_field() -> None:
    class Child(Base):
        @property
        def w(self) -> float:  # type: ignore[override]
            return 3.0

        def rate(self) -> float:  # type: ignore[override]
            return 4.0

    child = Child()
    assert (child.w, child.rate()) == (3.0, 4.0)
    assert jax.tree.leaves(child) == []


def test_diamond_inheritance_collects_each_field_once_in_mro_order() -> None:
    class Left(Base):
        left: Any = tx.Parameter.node(2.0)
        both: Any = tx.Parameter.node("left")

    class Right(Base):
        right: Any = tx.State.node(3.0)
        both: Any = tx.State.node(4.0)

    class Bottom(Left, Right):
        bottom: Any = tx.node(5.0)

    assert set(kinds(Bottom())) == {"w", "left", "right", "both", "bottom"}
    assert Bottom().both == "left"
    assert kinds(Bottom())["both"] is tx.Parameter
    assert jax.tree.structure(Bottom()) == jax.tree.structure(Bottom())


def test_cooperative_constructors_run_once_each_in_a_diamond() -> None:
    calls = []

    class Left(Base):
        def __init__(self) -> None:
            calls.append("left")
            super().__init__()

    class Right(Base):
        def __init__(self) -> None:
            calls.append("right")
            super().__init__()
            self.right = Scale(2.0)

    class Bottom(Left, Right):
        def __init__(self) -> None:
            super().__init__()
            self.bottom = Scale(3.0)

    assert [float(x) for x in jax.tree.leaves(Bottom())] == [1.0, 2.0, 3.0]
    assert calls == ["left", "right"]


def test_fields_of_a_mixin_that_is_no_module_count() -> None:
    class Mixin:
        b: Any = tx.State.node(2.0)

    class Model(Mixin, tx.Module):
        pass

    assert jax.tree.leaves(Model()) == [2.0]


# dataclass style


@dataclasses.dataclass
class Layer(tx.Module):
    features: int
    use_bias: bool = True
    w: jax.Array | None = tx.Parameter.node(None)
    seen: list[int] = dataclasses.field(default_factory=list)
    inner: Any = dataclasses.field(default_factory=Scale)


def test_a_dataclass_module_follows_the_attribute_table() -> None:
    layer = Layer(3)
    assert (layer.features, layer.use_bias, layer.seen) == (3, True, [])
    assert list(layout_of(layer).nodes) == ["w", "inner"]
    layer.w = jnp.ones(3)
    assert list(layer.state_dict()) == ["w", "inner/w"]
    assert jax.tree.structure(Layer(3)) == jax.tree.structure(Layer(3))
    assert jax.tree.structure(Layer(3)) != jax.tree.structure(Layer(4))


def test_a_dataclass_module_is_still_compared_hashed_and_printed_as_a_module() -> None:
    one, two = Layer(3), Layer(3)
    assert one != two
    assert len({one, two, one}) == 2
    assert repr(one).startswith("Layer(\n  w=Parameter None,\n  features=3,")


def test_dataclass_options_keep_the_fields() -> None:
    @dataclasses.dataclass(kw_only=True, order=True)
    class Model(tx.Module):
        w: Any = tx.Parameter.node()
        size: int = 3

    assert jax.tree.leaves(Model(w=2.0)) == [2.0]
    with pytest.raises(TypeError, match="positional"):
        Model(2.0)  # type: ignore[misc]


def test_dataclass_slots_are_refused_because_they_would_hide_the_data() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node(1.0)

    def define_and_make() -> tx.Module:
        return dataclasses.dataclass(slots=True)(Model)()

    with pytest.raises((FieldError, TypeError), match="slots"):
        define_and_make()


def test_frozen_dataclasses_are_refused_because_modules_are_mutated() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node(1.0)

    with pytest.raises((FieldError, TypeError), match="frozen"):
        dataclasses.dataclass(frozen=True)(Model)()


def test_dataclass_inheritance_and_post_init() -> None:
    @dataclasses.dataclass
    class Child(Layer):
        extra: Any = tx.State.node(5.0)

        def __post_init__(self) -> None:
            self.late = [Scale(7.0)]

    child = Child(2, use_bias=False, extra=6.0)
    assert list(child.state_dict()) == ["extra", "inner/w", "late/0/w"]
    assert (child.use_bias, child.extra) == (False, 6.0)
    again = jax.jit(lambda m: m)(child)
    assert (again.features, again.use_bias, again.seen) == (2, False, [])


def test_a_dataclass_field_without_default_becomes_a_constructor_argument() -> None:
    @dataclasses.dataclass
    class Model(tx.Module):
        w: Any = tx.Parameter.node()
        rate: float = tx.static()

    model = Model(1.0, 0.5)
    assert jax.tree.leaves(model) == [1.0]
    with pytest.raises(TypeError, match="rate"):
        Model(1.0)  # type: ignore[call-arg]


def test_dataclass_factories_make_one_value_per_instance() -> None:
    assert Layer(1).seen is not Layer(1).seen
    assert Layer(1).inner is not Layer(1).inner


def test_an_array_in_an_undeclared_dataclass_field_is_refused() -> None:
    @dataclasses.dataclass
    class Model(tx.Module):
        w: Any

    with pytest.raises(FieldError, match="attribute `w` to be declared with a kind"):
        Model(jnp.ones(2))


def test_dataclass_tools_work_on_modules() -> None:
    assert [f.name for f in dataclasses.fields(Layer)] == [
        "features",
        "use_bias",
        "w",
        "seen",
        "inner",
    ]
    again = dataclasses.replace(Layer(3), features=5)
    assert (again.features, again.use_bias) == (5, True)


def test_the_signature_of_the_class_is_that_of_its_constructor() -> None:
    assert list(inspect.signature(Layer).parameters)[:3] == ["features", "use_bias", "w"]
    assert list(inspect.signature(Scale).parameters) == ["w"]


def test_class_constants_are_no_fields() -> None:
    class Model(tx.Module):
        SIZE = 3
        table: Any = (1, 2)

        def __init__(self) -> None:
            self.n = self.SIZE

    assert vars(Model()) == {"n": 3}
    assert Model.SIZE == 3
