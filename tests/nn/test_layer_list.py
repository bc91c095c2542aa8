"""Lists of layers: reached by position and name, and changed in place."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 3))


def plain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5), jax.nn.relu, nn.Linear(2)).init(0, X)


def named() -> nn.Sequential:
    return nn.Sequential(stem=nn.Linear(5), act=jax.nn.relu, head=nn.Linear(2)).init(0, X)


@pytest.mark.parametrize(
    "build",
    [
        lambda a, b: nn.Sequential(stem=a, head=b),
        lambda a, b: nn.Sequential({"stem": a, "head": b}),
        lambda a, b: nn.Sequential(OrderedDict(stem=a, head=b)),
        lambda a, b: nn.Sequential(("stem", a), ("head", b)),
        lambda a, b: nn.Sequential(("stem", a), head=b),
        lambda a, b: nn.Parallel({"stem": a}, head=b),
    ],
)
def test_ways_to_give_names(build: Callable[..., Any]) -> None:
    first, second = nn.Linear(5), nn.Linear(2)
    model = build(first, second)
    assert model.layers == {"stem": first, "head": second}
    assert model["head"] is model.head is model[1] is model[-1] is second
    assert list(model) == [first, second]


def test_membership_is_by_name_or_by_identity() -> None:
    model = named()
    assert "stem" in model
    assert "stam" not in model
    assert model[0] in model
    assert nn.Linear(5) not in model
    assert "stem" not in plain()


def test_a_slice_keeps_names_and_layers() -> None:
    part = named()[1:]
    assert list(part.layers) == ["act", "head"]
    side = nn.Parallel(a=jnp.sin, b=jnp.cos, c=jnp.tan, merge="sum")[1:]
    np.testing.assert_allclose(side(X), jnp.cos(X) + jnp.tan(X), rtol=1e-5)


@pytest.mark.parametrize("build", [plain, named])
def test_a_new_layer_is_lazy_and_the_others_stay(build: Callable[[], Any]) -> None:
    model = build()
    before = model.state_dict()
    name = "extra" if build is named else None
    assert model.append(nn.Linear(7), name) is model
    assert not model.initialized
    with pytest.raises(NotInitializedError, match="`kernel`, `bias` are not created yet"):
        model(X)
    model = model.init(1, X)
    assert model(X).shape == (4, 7)
    after = model.state_dict()
    assert len(after) == len(before) + 2
    assert all((after[path] == value).all() for path, value in before.items())


def test_layers_are_put_in_replaced_and_taken_out() -> None:
    model = nn.Sequential(jnp.sin)
    model.extend([jnp.cos, jnp.tan]).insert(0, jnp.exp)
    assert model.layers == [jnp.exp, jnp.sin, jnp.cos, jnp.tan]
    model[-1] = jnp.tanh
    model[1:3] = [jnp.abs]
    assert model.layers == [jnp.exp, jnp.abs, jnp.tanh]
    del model[0]
    del model[-1:]
    assert model.layers == [jnp.abs]
    model.extend(nn.Sequential(jnp.sin))
    assert model.layers == [jnp.abs, jnp.sin]


def test_the_same_by_name() -> None:
    model = nn.Sequential(a=jnp.sin)
    model.extend({"b": jnp.cos}).extend([("c", jnp.tan)]).insert(1, jnp.exp, name="first")
    assert list(model.layers.items()) == [
        ("a", jnp.sin),
        ("first", jnp.exp),
        ("b", jnp.cos),
        ("c", jnp.tan),
    ]
    model["b"] = jnp.tanh
    model["new"] = jnp.abs
    model[0] = jnp.square
    model.c = jnp.sqrt
    del model["first"]
    assert list(model.layers.items()) == [
        ("a", jnp.square),
        ("b", jnp.tanh),
        ("c", jnp.sqrt),
        ("new", jnp.abs),
    ]
    model[:2] = {"x": jnp.sin}
    assert list(model.layers) == ["x", "c", "new"]


def test_an_empty_one_takes_names() -> None:
    assert list(nn.Sequential().append(jnp.sin, name="a").layers) == ["a"]
    model = nn.Sequential(a=jnp.sin)
    del model["a"]
    assert model.layers == []


def test_changes_under_jit_are_kept() -> None:
    """The same as outside, in the user's own object."""
    model = named()

    @tx.jit
    def cut(model: Any, x: jax.Array) -> jax.Array:
        del model["head"]
        model.append(jnp.tanh, name="squash")
        return model(x)

    expected = jnp.tanh(jax.nn.relu(model.stem(X)))
    np.testing.assert_allclose(cut(model, X), expected, rtol=1e-5)
    assert list(model.layers) == ["stem", "act", "squash"]
    np.testing.assert_allclose(model(X), expected, rtol=1e-5)


def test_a_name_of_the_class_is_reached_by_key() -> None:
    model = nn.Sequential(init=nn.Linear(2), copy=jnp.sin, layers=jnp.cos)
    model = model.init(0, X)
    assert isinstance(model["init"], nn.Linear)
    assert model.layers["layers"] is jnp.cos
    model["copy"] = jnp.tan
    assert callable(model.copy().copy)


def test_names_complete_in_a_shell() -> None:
    assert {"stem", "act", "head", "append"} <= set(dir(named()))


def test_an_unknown_attribute_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'stam'"):
        _ = named().stam
    with pytest.raises(AttributeError, match="no attribute 'stem'"):
        _ = plain().stem


def test_another_attribute_is_one() -> None:
    model = named()
    model.note = "mine"
    assert model.note == "mine"
    assert len(model) == 3


def test_an_unknown_name_is_refused_with_close_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"Sequential: .*'stam'. Did you mean 'stem'"):
        named()["stam"]
    with pytest.raises(ArgumentError, match="a position, because the layers have no names"):
        plain()["stem"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.append(3, "x"), "layer 'x' to be a module or a function, received a int"),
        (lambda m: m.append(nn.Linear, "x"), "layer 'x' .* received the class Linear"),
        (lambda m: m.append(jnp.sin), "all layers to have names, or none, received layer 3"),
        (lambda m: m.extend([jnp.sin]), "all layers to have names"),
        (lambda m: m.insert(0, jnp.sin, "stem"), "a name of its own, received 'stem' twice"),
        (lambda m: m.append(jnp.sin, "a/b"), "has no `/`, received name='a/b'"),
        (lambda m: m.append(jnp.sin, ""), "not empty"),
        (lambda m: m.append(jnp.sin, 3), "a name to be a string"),
        (lambda m: m.__setitem__("head", None), "layer 'head' to be a module or a function"),
        (lambda m: m.__setitem__(0, [jnp.sin]), "layer 'stem' to be .* received a list"),
    ],
)
def test_a_refused_change_changes_nothing(change: Callable[[Any], Any], message: str) -> None:
    model = named()
    before = model.layers
    with pytest.raises(ArgumentError, match=message):
        change(model)
    assert model.layers is before


def test_no_names_among_none() -> None:
    with pytest.raises(ArgumentError, match="layer 0 without a name, among named ones"):
        nn.Sequential(jnp.sin, b=jnp.cos)
    with pytest.raises(ArgumentError, match="layer 0 without a name"):
        plain()["new"] = jnp.sin
    with pytest.raises(IndexError):
        plain()[3] = jnp.sin
