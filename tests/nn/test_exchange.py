"""Exchanging layers: which are chosen, what stays, and sharing."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, PathError
from treexlite.nn._exchange import exchange

X = jax.random.normal(jax.random.key(0), (4, 3))


class Pair(NamedTuple):
    """A container that cannot be changed in place."""

    left: Any
    right: Any


class Net(tx.Module):
    """Layers in every kind of place, one of them in three."""

    def __init__(self) -> None:
        self.first = nn.Linear(3)
        self.rest = {"b": nn.Linear(3), "a": [nn.Linear(3), jax.nn.relu, self.first]}
        self.again = self.rest["a"]
        self.pair = Pair(nn.Linear(3), (self.first, nn.LayerNorm()))

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in [self.first, self.rest["b"], *self.rest["a"], *self.again]:
            x = layer(x)
        return self.pair.right[1](self.pair.right[0](self.pair.left(x)))


class Double(nn.Linear):
    """A layer of a class of its own, which others do not replace."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return 2 * super().__call__(x)


def doubled(layer: nn.Linear) -> Double:
    new = Double(layer.features)
    new.kernel, new.bias = layer.kernel, layer.bias
    return new


def exchanged(model: Any, *filters: Any, inplace: bool = False) -> Any:
    return exchange("double", model, filters, nn.Linear, doubled, inplace)


def test_every_layer_is_exchanged_and_sharing_stays() -> None:
    model = Net().init(0, X)
    new = exchanged(model)
    classes = [type(module).__name__ for _, module in new.modules()]
    assert classes == ["Net", "Double", "Double", "Double", "Double", "LayerNorm"]
    assert new.first is new.rest["a"][2] is new.pair.right[0]
    assert new.again is new.rest["a"]
    assert list(new.rest) == ["b", "a"]
    assert type(new.pair) is Pair
    assert list(new.state_dict()) == list(model.state_dict())
    new(X)
    tx.jit(new)(X)


def test_the_model_itself_stays_as_it_was() -> None:
    model = Net().init(0, X)
    before, first, rest = model(X), model.first, model.rest
    exchanged(model)
    assert model.first is first
    assert model.rest is rest
    assert not any(type(module) is Double for _, module in model.modules())
    np.testing.assert_array_equal(model(X), before)


def test_in_place_it_is_the_model_that_changes() -> None:
    model = Net().init(0, X)
    assert exchanged(model, inplace=True) is model
    assert type(model.first) is Double
    expected = exchanged(Net().init(0, X))
    np.testing.assert_array_equal(tx.jit(model)(X), tx.jit(expected)(X))


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        (["rest/**"], ["rest/b", "rest/a/0"]),
        (["**/a/*/kernel"], ["rest/a/0"]),
        ([tx.Parameter, tx.Not("rest/**")], ["first", "pair/0"]),
        ([lambda info: info.module.features == 3], ["first", "rest/b", "rest/a/0", "pair/0"]),
    ],
)
def test_filters_choose_by_the_kernel(filters: list[Any], paths: list[str]) -> None:
    for model in (Net(), Net().init(0, X)):
        new = exchanged(model, *filters)
        assert [path for path, module in new.modules() if type(module) is Double] == paths


def test_modes_are_taken_over() -> None:
    model = nn.Sequential(nn.Linear(2).eval(), nn.Linear(2).freeze())
    new = exchanged(model)
    assert [(m.training, m.frozen) for m in new] == [(False, False), (True, True)]


def test_inline_layers_are_exchanged_too() -> None:
    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return nn.Linear(2)(x)

    model = Inline().init(0, X)
    np.testing.assert_allclose(exchanged(model)(X), 2 * model(X), rtol=1e-6)


def test_a_layer_alone_and_a_container_of_layers() -> None:
    assert type(exchanged(nn.Linear(2))) is Double
    layers = [nn.Linear(2), {"a": nn.Linear(2)}]
    new = exchanged(layers)
    assert type(new[0]) is type(new[1]["a"]) is Double
    assert type(layers[0]) is nn.Linear


def test_what_cannot_be_done_is_refused_and_changes_nothing() -> None:
    model = Net().init(0, X)
    with pytest.raises(PathError, match=r"double: expected a path pattern .* The paths here"):
        exchanged(model, "encoder/**", inplace=True)
    with pytest.raises(ArgumentError, match="double: expected a model with Linear layers"):
        exchanged(model, lambda info: False, inplace=True)
    with pytest.raises(ArgumentError, match="double: expected a model with Linear layers"):
        exchanged(nn.LayerNorm(), "scale")
    with pytest.raises(ArgumentError, match=r"received the Linear itself, with inplace=True"):
        exchanged(nn.Linear(2), inplace=True)

    def refusing(layer: nn.Linear) -> nn.Linear:
        if layer is model.pair.left:
            raise RuntimeError
        return doubled(layer)

    with pytest.raises(RuntimeError):
        exchange("double", model, (), nn.Linear, refusing, True)
    assert not any(type(module) is Double for _, module in model.modules())


def test_the_exchanged_model_is_traced_anew() -> None:
    model = Net().init(0, X)
    call = tx.jit(lambda model, x: model(x))
    before = call(model, X)
    exchanged(model, inplace=True)
    assert not jnp.allclose(call(model, X), before)
