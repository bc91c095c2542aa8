import copy
import dataclasses
import enum
import functools
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Dense, Noise, Scale, X, content, untouched
from treexlite._errors import ContextError, FieldError, NotInitializedError, StructureError


class Fn(tx.Module):
    """A module around a function."""

    def __init__(self, f: Any) -> None:
        self.f = f

    def __call__(self, x: Any) -> Any:
        return self.f(x)


def swish(x: Any) -> Any:
    return x * jax.nn.sigmoid(x)


class Inline(tx.Module):
    @tx.compact
    def __call__(self, x: Any) -> Any:
        x = Dense(3)(x)
        x = Fn(swish)(x)
        return Dense(2)(x)


def test_children_are_named_after_their_class_in_order() -> None:
    model = Inline().init(0, X)
    assert [path for path, _ in model.modules()] == ["", "dense", "fn", "dense2"]
    assert model.dense.w.shape == (4, 3)
    assert model.dense2.w.shape == (3, 2)
    assert model.initialized


def test_names_are_snake_case_and_avoid_what_is_taken() -> None:
    class HTTPLayer2D(Dense):
        pass

    class Model(tx.Module):
        def __init__(self) -> None:
            self.dense = "taken"

        @tx.compact
        def __call__(self, x: Any) -> Any:
            x = HTTPLayer2D(3)(x)
            return Dense(2)(x)

    model = Model().init(0, X)
    assert [path for path, _ in model.modules()] == ["", "http_layer2_d", "dense2"]
    assert model.dense == "taken"


@pytest.mark.parametrize("name", ["Filter", "Training", "Copy", "Init", "Modules"])
def test_a_child_does_not_hide_what_every_module_has(name: str) -> None:
    kind = type(name, (Scale,), {})

    class Model(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return kind()(x)

    model = Model().init(0, X)
    np.testing.assert_allclose(model(X), X)
    assert len(list(model.modules())) == 2
    assert content(model.copy()) == content(model.filter(...).init(0, X))
    assert model.training is True


def test_later_calls_reuse_the_children() -> None:
    model = Inline().init(0, X)
    with untouched(model):
        first, second = model(X), model(X)
    np.testing.assert_array_equal(first, second)


def test_a_compact_model_is_compiled_once_and_differentiated() -> None:
    model = Inline().init(0, X)
    fast = tx.jit(model)
    np.testing.assert_allclose(fast(X), model(X), rtol=1e-6)
    fast(X), tx.jit(lambda m, x: m(x))(Inline().init(1, X), X)
    assert fast.cache_size() == 1
    np.testing.assert_allclose(jax.jit(lambda m, x: m(x))(model, X), model(X), rtol=1e-6)
    grads = tx.grad(lambda m: m(X).sum())(model)
    assert grads.dense.w.shape == (4, 3)


def test_two_instances_have_equal_structures() -> None:
    one, two = Inline().init(0, X), Inline().init(1, X)
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert jax.tree.structure(one) != jax.tree.structure(Inline())


def test_nested_compact_modules_have_children_of_their_own() -> None:
    class Outer(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            x = Inline()(Inline()(x))
            return Dense(5)(x)

    model = Outer().init(0, X)
    assert [path for path, _ in model.modules() if "/" not in path] == [
        "",
        "inline",
        "inline2",
        "dense",
    ]
    assert not jnp.allclose(model.inline.dense2.w, model.inline2.dense2.w[:3])
    assert model(X).shape == (2, 5)


def test_a_compact_module_that_is_called_twice_shares_its_children() -> None:
    class Twice(tx.Module):
        def __init__(self) -> None:
            self.block = Inline()

        def __call__(self, x: Any) -> Any:
            return self.block(x) + self.block(2 * x)

    model = Twice().init(0, X)
    assert [path for path, _ in model.block.modules()] == ["", "dense", "fn", "dense2"]
    np.testing.assert_allclose(model(X), model.block(X) + model.block(2 * X), rtol=1e-6)


def test_two_compact_methods_have_lists_of_their_own() -> None:
    class Auto(tx.Module):
        @tx.compact
        def encode(self, x: Any) -> Any:
            return Dense(2)(x)

        @tx.compact
        def decode(self, x: Any) -> Any:
            return Dense(4)(x)

        def __call__(self, x: Any) -> Any:
            return self.decode(self.encode(x))

    model = Auto().init(0, X)
    assert model(X).shape == X.shape
    assert model.encode(X).shape == (2, 2)
    assert model.decode(model.encode(X)).shape == X.shape


def test_a_parents_compact_call_keeps_its_own_children() -> None:
    class Parent(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Dense(3)(x)

    class Child(Parent):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Dense(5)(super().__call__(x))

    model = Child().init(0, X)
    assert model(X).shape == (2, 5)
    assert model.dense.w.shape[0] != model.dense2.w.shape[0]


def test_constructors_of_children_may_construct_modules() -> None:
    class Block(tx.Module):
        def __init__(self) -> None:
            self.inner = [Dense(3), Scale(2.0)]

        def __call__(self, x: Any) -> Any:
            return self.inner[1](self.inner[0](x))

    class Model(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Block()(x)

    model = Model().init(0, X)
    assert [path for path, _ in model.modules()] == ["", "block", "block/inner/0", "block/inner/1"]


def test_modules_constructed_as_arguments_are_shared_with_their_parent() -> None:
    class Chain(tx.Module):
        def __init__(self, *layers: Any) -> None:
            self.layers = list(layers)

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    class Model(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Chain(Dense(3), Dense(2))(x)

    model = Model().init(0, X)
    assert model.chain.layers[0] is model.dense
    assert model.chain.layers[1] is model.dense2
    assert model(X).shape == (2, 2)


def test_helper_functions_and_loops_construct_inline_too() -> None:
    def block(x: Any, size: int) -> Any:
        return Dense(size)(x)

    class Model(tx.Module):
        def __init__(self, sizes: list[int]) -> None:
            self.sizes = sizes

        def helper(self, x: Any) -> Any:
            return Dense(7)(x)

        @tx.compact
        def __call__(self, x: Any) -> Any:
            for size in self.sizes:
                x = block(x, size)
            return self.helper(x)

    model = Model([3, 5]).init(0, X)
    assert [m.w.shape for _, m in model.modules() if isinstance(m, Dense)] == [
        (4, 3),
        (3, 5),
        (5, 7),
    ]
    assert model(X).shape == (2, 7)


def test_children_with_state_keep_it_between_calls() -> None:
    class Model(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Noise()(x)

    eager, jitted = Model().init(0, X), Model().init(0, X)
    fast = tx.jit(jitted)
    for _ in range(3):
        np.testing.assert_allclose(eager(X), fast(X), rtol=1e-6)
    np.testing.assert_array_equal(eager.noise.key, jitted.noise.key)


# What later calls may not do


class Switch(tx.Module):
    """Constructs what its attribute says."""

    def __init__(self) -> None:
        self.what = "same"

    @tx.compact
    def __call__(self, x: Any) -> Any:
        x = Dense(4)(x)
        if self.what == "class":
            return Scale(2.0)(x)
        if self.what == "argument":
            return Dense(5)(x)
        if self.what == "keyword":
            return Dense(4, bias=False)(x)
        x = Dense(4)(x)
        return Dense(4)(x) if self.what == "more" else x


@pytest.mark.parametrize(
    ("what", "expected", "received"),
    [
        ("class", "here Dense", r"received Scale\(2.0\)"),
        ("argument", "here Dense with other arguments", r"received Dense\(5\)"),
        ("keyword", "here Dense with other arguments", r"received Dense\(4, bias=False\)"),
        ("more", "here no further submodule", r"received Dense\(4\)"),
    ],
)
@pytest.mark.parametrize("way", [lambda m: m(X), lambda m: tx.jit(m)(X)], ids=["eager", "jit"])
def test_other_modules_than_in_the_first_run_are_refused(
    what: str, expected: str, received: str, way: Any
) -> None:
    model = Switch().init(0, X)
    way(model)
    model.what = what
    with pytest.raises(StructureError, match=expected) as caught:
        way(model)
    assert pytest.raises(StructureError, match=received)
    assert "Construct the same modules on every call" in str(caught.value)
    model.what = "same"
    way(model)


def test_the_first_call_has_to_be_init() -> None:
    with pytest.raises(NotInitializedError, match="inline submodules"):
        Inline()(X)

    class Other(tx.Module):
        @tx.compact
        def encode(self, x: Any) -> Any:
            return Dense(2)(x)

    with pytest.raises(ContextError, match=r"Other.encode \(compact\): expected the first call"):
        Other().encode(X)


def test_a_failing_first_run_leaves_nothing_behind() -> None:
    class Fails(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Dense(2)(x) + jnp.ones(7)

    model = Fails()
    with untouched(model), pytest.raises(ValueError, match="Incompatible shapes"):
        model.init(0, X, inplace=True)
    assert vars(model) == {}


# Arguments


def test_functions_made_on_each_call_are_the_same_argument() -> None:
    class Model(tx.Module):
        def __init__(self, power: int) -> None:
            self.power = power

        @tx.compact
        def __call__(self, x: Any) -> Any:
            power = self.power
            return Fn(lambda x: x**power)(x)

    model = Model(2).init(0, X)
    for _ in range(2):
        np.testing.assert_allclose(model(X), X**2)
        np.testing.assert_allclose(tx.jit(model)(X), X**2)


@pytest.mark.parametrize("over", ["self", "array"])
def test_a_function_that_closes_over_state_is_right_or_refused(over: str) -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __init__(self) -> None:
            self.w = jnp.array(2.0)

        @tx.compact
        def __call__(self, x: Any) -> Any:
            if over == "self":
                return Fn(lambda x: x * self.w)(x)
            w = self.w
            return Fn(lambda x: x * w)(x)

    try:
        model = Model().init(0, X)
        for w in (2.0, 3.0):
            model.w = jnp.array(w)
            np.testing.assert_allclose(model(X), w * X)
            np.testing.assert_allclose(tx.jit(model)(X), w * X)
    except (StructureError, FieldError) as error:
        assert "Fn" in str(error)  # noqa: PT017


class Color(enum.Enum):
    RED = 1
    GREEN = 2


@dataclasses.dataclass
class Config:
    size: int


OTHERS = {
    "lambda": lambda flag: (lambda x: x + 1) if flag else (lambda x: x * 2),
    "closure": lambda flag: (lambda k: lambda x: x + k)(1 if flag else 2),
    "partial": lambda flag: functools.partial(jnp.sum, axis=int(flag)),
    "enum": lambda flag: Color.RED if flag else Color.GREEN,
    "dataclass": lambda flag: Config(1 if flag else 2),
    "set": lambda flag: {1} if flag else {2},
    "dtype": lambda flag: jnp.float32 if flag else jnp.float16,
    "numpy dtype": lambda flag: np.dtype("f4") if flag else np.dtype("f2"),
    "numpy": lambda flag: np.arange(3) if flag else np.arange(1, 4),
    "numpy in a list": lambda flag: [np.arange(3) if flag else np.arange(1, 4)],
    "type": lambda flag: 1 if flag else True,
    "nested": lambda flag: [{"a": (1 if flag else 2)}],
    "slice": lambda flag: slice(1 if flag else 2),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS.keys())
def test_other_arguments_are_told_apart_and_equal_ones_are_not(make: Any) -> None:
    class Takes(tx.Module):
        def __init__(self, argument: Any) -> None:
            pass

        def __call__(self, x: Any) -> Any:
            return x

    class Model(tx.Module):
        def __init__(self) -> None:
            self.flag = True

        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Takes(make(self.flag))(x)

    model = Model().init(0, X)
    model(X)
    model.flag = False
    with pytest.raises(StructureError, match="Takes with other arguments"):
        model(X)


def test_jax_arrays_match_by_shape_because_a_trace_has_others() -> None:
    class Takes(tx.Module):
        def __init__(self, like: Any) -> None:
            self.size = like.shape[-1]

        def __call__(self, x: Any) -> Any:
            return x

    class Model(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Takes(x)(x)

    model = Model().init(0, X)
    model(X + 1), tx.jit(model)(X)
    with pytest.raises(StructureError, match="Takes with other arguments"):
        model(X[:, :1])


def test_compact_models_are_pickled_and_copied() -> None:
    model = Inline().init(0, X)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        np.testing.assert_array_equal(again(X), model(X))
        assert content(again)[1] == content(model)[1]


def test_modes_and_freezing_reach_inline_children() -> None:
    model = Inline().init(0, X)
    frozen = model.freeze().eval()
    assert {m.frozen for _, m in frozen.modules()} == {True}
    np.testing.assert_array_equal(frozen(X), model(X))
    assert tx.grad(lambda m: m(X).sum())(frozen).dense.w is tx.Nothing


def test_inserting_another_class_changes_no_other_value() -> None:
    class Longer(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            x = Dense(3)(Scale()(x))
            x = Noise()(Fn(swish)(x))
            return Dense(2)(x)

    one, two = Inline().init(0, X), Longer().init(0, X)
    np.testing.assert_array_equal(one.dense.w, two.dense.w)
    np.testing.assert_array_equal(one.dense2.w, two.dense2.w)


@pytest.mark.parametrize("order", ["jit of compact", "compact of jit"])
def test_compact_and_jit_combine_in_a_class_body(order: str) -> None:
    def call(self: Any, x: Any) -> Any:
        return Dense(2)(x)

    wrapped = tx.jit(tx.compact(call)) if order == "jit of compact" else tx.compact(tx.jit(call))
    cls = type("Model", (tx.Module,), {"__call__": wrapped})
    if order == "jit of compact":
        model = cls().init(0, X)
        assert model.dense.w.shape == (4, 2)
        np.testing.assert_allclose(model(X), X @ model.dense.w, rtol=1e-6)
