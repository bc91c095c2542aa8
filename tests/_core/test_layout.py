"""The attribute table: which attribute is data, row by row."""

from __future__ import annotations

import collections
import copy
import dataclasses
import enum
import functools
import types
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, X, content
from treexlite._core._layout import layout_of
from treexlite._errors import CycleError, FieldError

T = TypeVar("T")


def names(module: tx.Module) -> list[str]:
    """The attributes that are data."""
    return list(layout_of(module).nodes)


class Holder(tx.Module):
    """Keeps one value in an undeclared attribute."""

    def __init__(self, value: Any) -> None:
        self.value = value


@dataclasses.dataclass
class Box:
    item: Any = None
    size: int = 3


@dataclasses.dataclass(frozen=True)
class FrozenBox:
    item: Any
    size: int = 3


class Pair(NamedTuple):
    left: Any
    right: Any


# Row 1: declared fields


def test_declared_fields_are_what_they_are_declared_as() -> None:
    class Model(tx.Module):
        a: Any = tx.Parameter.node(1.0)
        b: Any = tx.State.static(2.0)
        c: Any = tx.node(3.0)
        d: Any = tx.static(4.0)
        e: Any = tx.field(5.0, node=True)
        f: Any = tx.field(6.0, node=False)

    model = Model()
    assert names(model) == ["a", "c", "e"]
    assert jax.tree.leaves(model) == [1.0, 3.0, 5.0]


def test_a_declared_node_is_data_whatever_it_holds() -> None:
    class Model(tx.Module):
        v: Any = tx.State.node()

    model = Model()
    for value in (1, None, jnp.ones(2), np.ones(2), {"a": jnp.ones(1)}, [1, (2.0,)], Scale()):
        model.v = value
        assert names(model) == ["v"]
        assert len(jax.tree.leaves(model)) == len(jax.tree.leaves(value))


def test_a_declared_static_is_structure_even_with_a_number() -> None:
    class Model(tx.Module):
        rate: float = tx.static()

        def __init__(self, rate: float) -> None:
            self.rate = rate

    assert jax.tree.leaves(Model(0.5)) == []
    assert jax.tree.structure(Model(0.5)) != jax.tree.structure(Model(0.25))


def test_leaf_order_is_declaration_order_not_assignment_order() -> None:
    class Model(tx.Module):
        z: Any = tx.Parameter.node()
        a: Any = tx.State.node()

        def __init__(self) -> None:
            self.late = Scale(3.0)
            self.a = 2.0
            self.z = 1.0

    assert [float(x) for x in jax.tree.leaves(Model())] == [1.0, 2.0, 3.0]


# Row 2: modules, alone and in containers, declared or not


CONTAINERS = {
    "module": lambda: Scale(),
    "list": lambda: [Scale(), Scale()],
    "tuple": lambda: (Scale(), Scale()),
    "dict": lambda: {"z": Scale(), "a": Scale()},
    "ordered dict": lambda: collections.OrderedDict(z=Scale(), a=Scale()),
    "default dict": lambda: collections.defaultdict(list, {"z": Scale(), "a": Scale()}),
    "int keys": lambda: {2: Scale(), 1: Scale()},
    "mixed keys": lambda: {"b": Scale(), 1: Scale(), (1, 2): Scale(), None: Scale()},
    "list of lists": lambda: [[Scale()], [Scale(), [Scale()]], []],
    "dict of lists": lambda: {"z": [Scale()], "a": (Scale(), {"k": Scale()})},
    "namedtuple": lambda: Pair(Scale(), "right"),
    "dataclass": lambda: Box(Scale()),
    "frozen dataclass": lambda: FrozenBox(Scale()),
    "dataclass in list": lambda: [Box([Scale(), Box(Scale())])],
    "with statics": lambda: [Scale(), "name", jnp.tanh, 3, 2.5, None, True, np.arange(3), len],
}


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_what_holds_a_module_is_data(make: Any) -> None:
    model = Holder(make())
    assert names(model) == ["value"]
    assert len(jax.tree.leaves(model)) == len(list(model.fields())) > 0


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_two_instances_built_alike_have_equal_structures(make: Any) -> None:
    one, two = Holder(make()), Holder(make())
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert hash(jax.tree.structure(one)) == hash(jax.tree.structure(two))
    assert jax.tree.leaves(jax.tree.map(lambda x, y: x + y, one, two)) == [
        2 * leaf for leaf in jax.tree.leaves(one)
    ]


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())
@pytest.mark.parametrize("way", ["jax.jit", "tx.jit", "flatten", "copy"])
def test_containers_keep_type_order_and_statics(make: Any, way: str) -> None:
    model = Holder(make())
    ways = {
        "jax.jit": lambda m: jax.jit(lambda m: m)(m),
        "tx.jit": lambda m: tx.jit(lambda m: m.copy())(m),
        "flatten": lambda m: jax.tree.unflatten(jax.tree.structure(m), jax.tree.leaves(m)),
        "copy": lambda m: m.copy(),
    }
    again = ways[way](model)
    assert skeleton(again.value) == skeleton(model.value)
    assert content(again) == content(model)
    assert again.value is not model.value


def skeleton(value: Any) -> Any:
    """The shape of a container: types, keys in order, everything but the modules."""
    if isinstance(value, tx.Module):
        return type(value)
    if isinstance(value, dict):
        extra = getattr(value, "default_factory", None)
        return type(value), extra, [(k, skeleton(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [skeleton(v) for v in value]
    if dataclasses.is_dataclass(value):
        return type(value), [
            (f.name, skeleton(getattr(value, f.name))) for f in dataclasses.fields(value)
        ]
    if isinstance(value, np.ndarray):
        return type(value), value.tolist()
    return type(value), value


def test_a_loop_over_a_dict_of_layers_runs_in_insertion_order_everywhere() -> None:
    class Chain(tx.Module):
        def __init__(self) -> None:
            self.steps = {"z": Counter(1), "m": Counter(2), "a": Counter(3)}

        def __call__(self, x: Any) -> Any:
            for step in self.steps.values():
                x = x * 10 + step.n
            return x

    for call in (Chain(), tx.jit(Chain()), functools.partial(jax.jit(lambda m: m(0)), Chain())):
        assert int(call() if isinstance(call, functools.partial) else call(0)) == 123


def test_statics_beside_modules_stay_python_values_inside_jit() -> None:
    model = Holder([Scale(), 3, "x", 2.5, None])
    seen: list[Any] = []
    jax.jit(lambda m: seen.append(m.value[1:]))(model)
    tx.jit(lambda m: seen.append(m.value[1:]))(model)
    assert seen == [[3, "x", 2.5, None]] * 2


def test_statics_beside_modules_belong_to_the_structure() -> None:
    one, two = Holder([Scale(), "x", jnp.tanh]), Holder([Scale(), "y", jnp.tanh])
    assert jax.tree.structure(one) != jax.tree.structure(two)


def test_arrays_beside_modules_are_data() -> None:
    model = Holder([Scale(), jnp.arange(3)])
    assert [info.path for info in model.fields()] == ["value/0/w", "value/1"]
    assert [info.kind for info in model.fields()] == [tx.Parameter, type(None)]


@pytest.mark.parametrize("declared", [False, True])
def test_late_assignment_makes_data(declared: bool) -> None:
    class Declared(tx.Module):
        head: Any = tx.node(None)

    model = Declared() if declared else Holder(0)
    jax.tree.leaves(model)
    model.head = Scale(5.0)
    assert "head" in names(model)
    assert model.state_dict() == {"head/w": 5.0}
    model.head = [Scale(6.0), Scale(7.0)]
    assert list(model.state_dict()) == ["head/0/w", "head/1/w"]


def test_a_list_that_starts_empty_becomes_data_when_a_module_is_appended() -> None:
    model = Holder([])
    assert names(model) == []
    list(model.modules())
    model.value.append(Scale(2.0))
    assert names(model) == ["value"]
    assert [float(x) for x in jax.tree.leaves(model)] == [2.0]
    assert model.state_dict() == {"value/0/w": 2.0}


GROW = {
    "list": ([], lambda v: v.append(Scale())),
    "dict": ({}, lambda v: v.__setitem__("k", Scale())),
    "list in list": ([[]], lambda v: v[0].append(Scale())),
    "list in tuple": (([],), lambda v: v[0].append(Scale())),
    "dict in list": ([{}], lambda v: v[0].__setitem__("k", Scale())),
    "dataclass": (Box(), lambda v: setattr(v, "item", Scale())),
    "list in dataclass": (Box([]), lambda v: v.item.append(Scale())),
    "list in frozen dataclass": (FrozenBox([]), lambda v: v.item.append(Scale())),
}


@pytest.mark.parametrize("case", GROW)
@pytest.mark.parametrize("declared", [False, True])
def test_a_container_that_gets_its_first_module_in_place_is_noticed(
    case: str, declared: bool
) -> None:
    class Declared(tx.Module):
        value: Any = tx.node()

        def __init__(self, value: Any) -> None:
            self.value = value

    value, grow = GROW[case]
    model = (Declared if declared else Holder)(copy.deepcopy(value))
    jax.tree.leaves(model)
    before = len(list(model.modules()))
    grow(model.value)
    assert len(list(model.modules())) == before + 1
    assert len(jax.tree.leaves(jax.jit(lambda m: m)(model).filter(tx.Parameter))) == 1


@dataclasses.dataclass(eq=False)
class IdentityBox:
    item: Any = None


def test_a_dataclass_compared_by_identity_is_noticed_too() -> None:
    model = Holder(IdentityBox())
    jax.tree.leaves(model)
    model.value.item = Scale()
    assert names(model) == ["value"]


def test_appending_replacing_and_removing_in_place_is_noticed() -> None:
    model = Holder([Scale(1.0)])
    list(model.modules())
    model.value.append(Scale(2.0))
    assert len(list(model.modules())) == 3
    model.value[0] = Counter(7)
    assert [type(m).__name__ for _, m in model.modules()] == ["Holder", "Counter", "Scale"]
    model.value.reverse()
    assert [float(x) for x in jax.tree.leaves(model)] == [2.0, 7.0]
    model.value.clear()
    assert jax.tree.leaves(model) == []


def test_a_module_in_a_declared_static_is_not_data() -> None:
    class Model(tx.Module):
        teacher: Any = tx.static()

        def __init__(self) -> None:
            self.teacher = Scale()

    assert names(Model()) == []


# Row 3: undeclared arrays


@pytest.mark.parametrize(
    "make",
    [
        lambda: jnp.ones(2),
        lambda: [jnp.ones(2)],
        lambda: {"a": (1, jnp.ones(2))},
        lambda: Box(jnp.ones(2)),
        lambda: jax.random.key(0),
    ],
)
def test_an_undeclared_array_is_refused_at_assignment(make: Any) -> None:
    with pytest.raises(FieldError, match="attribute `value` to be declared with a kind") as caught:
        Holder(make())
    assert "tx.Parameter.node()" in str(caught.value)
    model = Holder(0)
    with pytest.raises(FieldError, match=r"Holder: .*received late="):
        model.late = make()
    assert model.value == 0
    assert not hasattr(model, "late")


def test_an_undeclared_tracer_is_refused_at_assignment() -> None:
    model = Holder(0)
    for transform in (jax.jit, tx.jit):
        with pytest.raises(FieldError, match="attribute `late` to be declared"):
            transform(lambda m, x: setattr(m, "late", x))(model, 1.0)
    assert not hasattr(model, "late")


def test_an_array_that_enters_an_undeclared_list_is_refused_at_the_border() -> None:
    model = Holder([])
    model.value.append(jnp.ones(2))
    for use in (jax.tree.leaves, tx.jit(lambda m: 0), tx.Module.copy):
        with pytest.raises(FieldError, match="attribute `value` to be declared"):
            use(model)


def test_the_annotation_alone_declares_nothing() -> None:
    class Model(tx.Module):
        w: jax.Array

        def __init__(self) -> None:
            self.w = jnp.ones(2)

    with pytest.raises(FieldError, match=r"`w: jax.Array = tx.State.node\(\)`"):
        Model()


def test_a_traced_value_in_a_declared_static_field_is_refused() -> None:
    class Model(tx.Module):
        rate: Any = tx.static(0.5)

    model = Model()
    with pytest.raises(FieldError, match="a plain value in the static field `rate`"):
        tx.jit(lambda m, x: setattr(m, "rate", x))(model, 1.0)
    assert model.rate == 0.5


# Row 4: NumPy arrays in static fields


def test_numpy_statics_are_compared_by_content() -> None:
    one, two = Holder(np.arange(4)), Holder(np.arange(4))
    assert jax.tree.leaves(one) == []
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert jax.tree.structure(one) != jax.tree.structure(Holder(np.arange(5)))
    assert jax.tree.structure(one) != jax.tree.structure(Holder(np.arange(4.0)))
    assert jax.tree.structure(one) != jax.tree.structure(Holder(np.arange(4).reshape(2, 2)))


def test_numpy_statics_do_not_retrace_and_survive_every_second_call() -> None:
    traces = []

    class Model(tx.Module):
        def __init__(self) -> None:
            self.table = np.arange(3.0)

        def __call__(self, x: Any) -> Any:
            traces.append(1)
            return x * self.table

    fast, plain = tx.jit(Model.__call__), jax.jit(lambda m, x: m(x))
    for call in (fast, plain):
        traces.clear()
        for _ in range(2):
            np.testing.assert_array_equal(call(Model(), 2.0), [0.0, 2.0, 4.0])
        assert len(traces) == 1


def test_a_numpy_static_that_changes_in_place_is_noticed() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.table = np.arange(3.0)

        def __call__(self, x: Any) -> Any:
            return x * self.table

    model = Model()
    fast, plain = tx.jit(model), jax.jit(lambda m, x: m(x))
    fast(1.0), plain(model, 1.0)
    model.table[0] = 5.0
    np.testing.assert_array_equal(fast(1.0), [5.0, 1.0, 2.0])
    np.testing.assert_array_equal(plain(model, 1.0), [5.0, 1.0, 2.0])


def test_the_structure_keeps_no_reference_to_the_users_numpy_static() -> None:
    model = Holder(np.arange(3))
    structure = jax.tree.structure(model)
    model.value[0] = 9
    assert structure.unflatten([]).value.tolist() == [0, 1, 2]
    rebuilt = structure.unflatten([])
    rebuilt.value[1] = 7
    assert structure.unflatten([]).value.tolist() == [0, 1, 2]


# Row 5: everything else


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Opaque:
    """Has no content that could be compared."""


@pytest.mark.parametrize(
    "make",
    [
        lambda: 3,
        lambda: "relu",
        lambda: None,
        lambda: (1, [2, {"a": {3}}]),
        lambda: float("nan"),
        lambda: [float("nan"), 0.0],
        lambda: Color.RED,
        lambda: jnp.float32,
        lambda: jnp.dtype("bfloat16"),
        lambda: np.float64(1.5),
        lambda: jnp.tanh,
        lambda: jax.nn.initializers.lecun_normal(),
        lambda: jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal"),
        lambda: lambda x: x + 1,
        lambda: functools.partial(jnp.sum, axis=0),
        lambda: functools.partial(functools.partial(max, 1), [2, 3]),
        lambda: Box(1, 2),
        lambda: FrozenBox([1], 2),
        lambda: slice(1, None, 2),
        lambda: range(3),
        lambda: {1, 2},
        lambda: frozenset({"a"}),
        lambda: b"bytes",
        lambda: Scale,
    ],
)
def test_anything_else_is_static_and_compared_by_content(make: Any) -> None:
    one, two = Holder(make()), Holder(make())
    assert jax.tree.leaves(one) == []
    assert jax.tree.structure(one) == jax.tree.structure(two)
    fast = tx.jit(lambda m: 0)
    fast(one), fast(two)
    assert fast.cache_size() == 1


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (np.float32(1), 1.0),
        ([1], (1,)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Color.RED, Color.GREEN),
        (Box(1), Box(2)),
        ("a", b"a"),
        (lambda x: x + 1, lambda x: x + 2),
        (functools.partial(jnp.sum, axis=0), functools.partial(jnp.sum, axis=1)),
        ([0], [False]),
        (None, 0),
    ],
)
def test_statics_that_python_confuses_are_told_apart(one: Any, two: Any) -> None:
    assert jax.tree.structure(Holder(one)) != jax.tree.structure(Holder(two))


def test_objects_without_content_are_compared_by_identity_and_do_not_crash() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise AssertionError("statics are not compared by `==` when they cannot be hashed")

    for kind in (Opaque, Unhashable):
        thing = kind()
        assert jax.tree.structure(Holder(thing)) == jax.tree.structure(Holder(thing))
        assert jax.tree.structure(Holder(thing)) != jax.tree.structure(Holder(kind()))


def test_a_static_with_an_ambiguous_truth_value_does_not_crash_the_second_call() -> None:
    class Config:
        def __init__(self) -> None:
            self.table = np.ones(3)

        def __eq__(self, other: object) -> Any:
            return self.table == other.table if isinstance(other, Config) else NotImplemented

        __hash__ = None  # type: ignore[assignment]

    model = Holder(Config())
    plain = jax.jit(lambda m, x: x)
    assert plain(model, 1.0) == plain(model, 1.0)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ([1], lambda v: v.append(2)),
        ({"k": 1}, lambda v: v.update(k=2)),
        ({1}, lambda v: v.add(2)),
        (([1],), lambda v: v[0].append(2)),
        (Box(1), lambda v: setattr(v, "item", 2)),
        (FrozenBox([1]), lambda v: v.item.append(2)),
        ([{"a": np.ones(2)}], lambda v: v[0]["a"].fill(3)),
        (bytearray(b"a"), lambda v: v.extend(b"b")),
    ],
)
def test_a_static_container_that_changes_in_place_is_noticed(value: Any, change: Any) -> None:
    model = Holder(copy.deepcopy(value))
    before = jax.tree.structure(model)
    change(model.value)
    assert jax.tree.structure(model) != before
    assert jax.tree.structure(model) == jax.tree.structure(Holder(model.value))


# Annotations, generics, inheritance


def test_string_and_union_annotations_mean_what_they_say() -> None:
    # `from __future__ import annotations` stands at the top of this file
    class Model(tx.Module):
        w: jax.Array | None = tx.Parameter.node()
        inner: Scale | list[Scale] | None
        name: str | None = None

        def __init__(self) -> None:
            self.w = jnp.ones(2)
            self.inner = [Scale()]

    assert names(Model()) == ["w", "inner"]
    model = Model()
    model.w = None
    assert len(jax.tree.leaves(model)) == 1


def test_annotations_that_cannot_be_evaluated_do_no_harm() -> None:
    class Model(tx.Module):
        w: NoSuchName[int] = tx.Parameter.node(1.0)  # type: ignore[name-defined]  # noqa: F821

    assert names(Model()) == ["w"]


def test_generic_modules_follow_the_same_table() -> None:
    class Wrap(tx.Module, Generic[T]):
        inner: T
        w: Any = tx.Parameter.node(1.0)

        def __init__(self, inner: T) -> None:
            self.inner = inner

    class Concrete(Wrap[Scale]):
        pass

    for cls in (Wrap, Wrap[Scale], Concrete):
        model = cls(Scale(2.0))
        assert names(model) == ["w", "inner"]
    assert jax.tree.structure(Wrap(Scale())) == jax.tree.structure(Wrap[Scale](Scale()))
    assert "__orig_class__" not in repr(Wrap[Scale](Scale()))


# What would go stale unseen


class Own(Scale):
    """Keeps its own method, in one form or another."""

    def __init__(self, make: Any) -> None:
        super().__init__(2.0)
        self.act = make(self)

    def double(self, x: Any) -> Any:
        return x * self.w

    @tx.jit
    def fast(self, x: Any) -> Any:
        return x * self.w

    def __call__(self, x: Any) -> Any:
        act = self.act
        while isinstance(act, (list, tuple, dict)):
            act = act["k"] if isinstance(act, dict) else act[0]
        return act(x)


METHODS = {
    "method": lambda m: m.double,
    "in a list": lambda m: [m.double],
    "in a dict": lambda m: {"k": (m.double,)},
    "partial": lambda m: functools.partial(m.double),
    "jitted": lambda m: tx.jit(m.double),
    "jitted in the class": lambda m: m.fast,
    "by jax": lambda m: jax.jit(m.double),
    "closure": lambda m: lambda x: m.double(x),
    "closure in a list": lambda m: [lambda x: m.double(x)],
    "closure over a closure": lambda m: (lambda f: lambda x: f(x))(lambda x: m.double(x)),
}


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS.keys())
def test_a_function_that_carries_its_module_is_rebound_or_refused(make: Any) -> None:
    try:
        model = Own(make)
        fast, clone = tx.jit(model), model.copy()
    except FieldError as error:
        assert "`act`" in str(error)  # noqa: PT017
        assert "module" in str(error)  # noqa: PT017
        return
    for w in (2.0, 5.0):
        model.w = jnp.array(w)
        assert float(fast(1.0)) == w
    clone.w = jnp.array(7.0)
    assert float(clone(1.0)) == 7.0


class Carrier:
    """An object that is no container for us."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner


UNKNOWN = {
    "deque": lambda v: collections.deque([v]),
    "user list": lambda v: collections.UserList([v]),
    "user dict": lambda v: collections.UserDict(k=v),
}
OBJECTS = {
    "namespace": lambda v: types.SimpleNamespace(k=v),
    "object": Carrier,
    "object in a list": lambda v: [Carrier(v)],
}


@pytest.mark.parametrize("value", [Scale(), jnp.ones(2)], ids=["module", "array"])
@pytest.mark.parametrize("wrap", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_data_in_an_unknown_container_is_data_or_refused(wrap: Any, value: Any) -> None:
    try:
        leaves = jax.tree.leaves(Holder(wrap(value)))
    except FieldError as error:
        assert "`value`" in str(error)  # noqa: PT017
    else:
        assert len(leaves) == 1


@pytest.mark.parametrize("wrap", OBJECTS.values(), ids=OBJECTS.keys())
def test_a_module_in_an_object_is_data_or_refused(wrap: Any) -> None:
    test_data_in_an_unknown_container_is_data_or_refused(wrap, Scale())


# Structures and their lifetime


def test_cycles_are_refused_wherever_a_module_is_used() -> None:
    parent, child = Holder(None), Holder(None)
    parent.value = [child]
    child.value = {"up": parent}
    for use in (jax.tree.leaves, tx.Module.copy, tx.jit(lambda m: 0), lambda m: list(m.modules())):
        with pytest.raises(CycleError, match="contains itself") as caught:
            use(parent)
        assert "`value/0/value/up`" in str(caught.value)
        assert "the root" in str(caught.value)


def test_a_cycle_below_the_root_is_named_by_both_paths() -> None:
    root, parent, child = Holder(None), Holder(None), Holder(None)
    parent.value, child.value = child, [parent]
    root.value = {"a": parent}
    with pytest.raises(CycleError, match="contains itself"):
        jax.tree.leaves(root)
    with pytest.raises(CycleError, match="contains itself"):
        root.copy()


def test_a_module_that_holds_itself_is_refused() -> None:
    model = Holder(None)
    model.value = model
    with pytest.raises(CycleError, match=r"at the root and below itself at `value`"):
        jax.tree.leaves(model)


@pytest.mark.parametrize("use", [jax.tree.leaves, tx.Module.copy])
def test_a_cycle_that_is_made_in_place_is_noticed(use: Any) -> None:
    model = Holder([Scale()])
    use(model)
    model.value.append(model)
    with pytest.raises(CycleError, match=r"`value/1`"):
        use(model)


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = [Scale()]
    loop.append(loop)
    with pytest.raises((CycleError, RecursionError)):
        jax.tree.leaves(Holder(loop))


def test_a_module_reached_twice_is_no_cycle() -> None:
    shared = Scale()
    model = Holder([shared, {"again": shared}])
    assert len(list(model.modules())) == 2


def test_plain_jax_key_paths_are_readable() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node(1.0)

        def __init__(self) -> None:
            self.layers = [Scale(), {"b": Scale(), "a": (Scale(),)}]
            self.box = Box(Scale())

    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(Model())]
    assert paths == [
        ".w",
        ".layers[0].w",
        ".layers[1]['b'].w",
        ".layers[1]['a'][0].w",
        ".box.item.w",
    ]


def test_modes_are_part_of_the_structure() -> None:
    structures = [
        jax.tree.structure(m)
        for m in (Scale(), Scale().eval(), Scale().freeze(), Scale().eval().freeze())
    ]
    assert len(set(structures)) == 4


def test_a_deleted_attribute_leaves_the_structure() -> None:
    model = Holder([Scale()])
    model.other = 3
    jax.tree.leaves(model)
    del model.value
    assert jax.tree.leaves(model) == []
    assert jax.tree.structure(model) != jax.tree.structure(Holder([Scale()]))
    assert not hasattr(model, "value")
    with pytest.raises(AttributeError):
        del model.value


def test_equal_structures_are_one_object() -> None:
    assert layout_of(Scale()) is layout_of(Scale())
    assert layout_of(Holder(np.ones(3))) is layout_of(Holder(np.ones(3)))
    assert layout_of(Scale()) is not layout_of(Counter())


def test_layouts_print_what_they_hold() -> None:
    assert repr(layout_of(Holder(3))) == "Layout(Holder, nodes=[], statics={'value': 3})"


def test_no_retrace_for_a_second_instance_in_either_jit() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.layers = [Scale(), {"a": Scale()}]
            self.act = lambda x: x * 2
            self.init_fn = jax.nn.initializers.lecun_normal()
            self.table = np.arange(4.0)

        def __call__(self, x: Any) -> Any:
            traces.append(1)
            return self.act(self.layers[0](x)) + self.table

    traces: list[int] = []
    for call in (tx.jit(Model.__call__), jax.jit(lambda m, x: m(x))):
        traces.clear()
        for _ in range(3):
            call(Model(), X)
        assert len(traces) == 1
