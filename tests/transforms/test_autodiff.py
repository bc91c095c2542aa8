from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import (
    Counter,
    Dense,
    Net,
    Scale,
    X,
    Zoo,
    content,
    make_net,
    no_tracers,
    untouched,
)
from treexlite._errors import ArgumentError, PathError


def loss(model: Any, x: Any) -> Any:
    return jnp.mean(model(x) ** 2)


def product(model: Zoo) -> Any:
    return model.a * model.kids[0].w * model.named["z"].w


def values(tree: Any) -> list[float]:
    return [float(leaf) for leaf in jax.tree.leaves(tree)]


def test_gradients_are_a_module_of_the_same_type_with_nothing_elsewhere() -> None:
    grads = tx.grad(product)(Zoo())
    assert type(grads) is Zoo
    assert grads.n is tx.Nothing
    assert grads.hits == 0
    assert values(grads) == [3.0, 6.0, 0.0, 2.0, 0.0]
    assert list(grads.state_dict()) == ["a", "kids/0/w", "kids/1/w", "named/z/w", "named/a/w"]


def test_gradients_and_values_agree_with_plain_jax() -> None:
    net = make_net().eval()
    params, rest = tx.partition(net, tx.Parameter)
    expected = jax.grad(lambda p: loss(tx.combine(p, rest), X))(params)
    value, grads = tx.value_and_grad(loss)(net, X)
    np.testing.assert_allclose(value, loss(net, X), rtol=1e-6)
    for path, grad in grads.state_dict().items():
        np.testing.assert_allclose(grad, expected.state_dict()[path], rtol=1e-5, atol=1e-7)
    assert list(grads.state_dict()) == list(expected.state_dict())


def test_gradients_do_not_touch_parameters_and_keep_modes() -> None:
    net = make_net().eval()
    with untouched(net):
        grads = tx.grad(lambda m: loss(m, X))(net.replace(calls=0))
    assert not grads.training


# State


def test_state_that_the_function_writes_persists() -> None:
    net, eager = make_net(), make_net()
    loss(eager, X)
    tx.grad(loss)(net, X)
    assert content(net) == content(eager)
    assert net.calls == 1
    assert no_tracers(net)


@pytest.mark.parametrize("way", ["eager", "jit", "donate", "grad of jit"])
def test_state_and_gradients_are_the_same_in_every_way(way: str) -> None:
    ways = {
        "eager": tx.value_and_grad(loss),
        "jit": tx.jit(tx.value_and_grad(loss)),
        "donate": tx.jit(tx.value_and_grad(loss), donate=True),
        "grad of jit": tx.value_and_grad(tx.jit(loss)),
    }
    net, reference = make_net(), make_net()
    for _ in range(2):
        value, grads = ways[way](net, X)
        expected, expected_grads = tx.value_and_grad(loss)(reference, X)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        for one, two in zip(*map(jax.tree.leaves, (grads, expected_grads)), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
    assert net.calls == reference.calls == 2
    np.testing.assert_allclose(net.norm.mean, reference.norm.mean, rtol=1e-5)


def test_changes_of_structure_inside_are_carried_out() -> None:
    def grows(model: Zoo) -> Any:
        model.kids.append(Scale(model.a))
        model.hits += 1
        del model.named["a"]
        return product(model)

    model = Zoo()
    kids = model.kids
    grads = tx.grad(grows)(model)
    assert model.kids is kids
    assert (len(kids), model.hits, list(model.named)) == (3, 1, ["z"])
    assert len(grads.kids) == 2  # gradients belong to what was passed in
    assert no_tracers(model)


def test_a_failing_function_changes_nothing() -> None:
    def fails(model: Zoo) -> Any:
        model.a = model.a + 1
        model.kids.clear()
        raise RuntimeError("stop")

    model = Zoo()
    with untouched(model), pytest.raises(RuntimeError, match="stop"):
        tx.grad(fails)(model)


def test_a_parameter_that_is_written_inside_is_differentiated_as_it_came() -> None:
    def writes(model: Scale) -> Any:
        model.w = model.w * 3
        return model.w * 2

    model = Scale(1.0)
    assert float(tx.grad(writes)(model).w) == 6.0
    assert float(model.w) == 3.0


# What is differentiated


@pytest.mark.parametrize(
    ("wrt", "paths"),
    [
        (None, ["a", "kids/0/w", "kids/1/w", "named/z/w", "named/a/w"]),
        ("a", ["a"]),
        ("kids/**", ["kids/0/w", "kids/1/w"]),
        (("kids/**", "*/0/w"), ["kids/0/w"]),
        ([tx.Parameter, tx.Not("a")], ["kids/0/w", "kids/1/w", "named/z/w", "named/a/w"]),
        (lambda info: "named" in info.path, ["named/z/w", "named/a/w"]),
        (..., ["a", "kids/0/w", "kids/1/w", "named/z/w", "named/a/w"]),
        (tx.State, []),
    ],
)
def test_filters_choose_what_is_differentiated(wrt: Any, paths: list[str]) -> None:
    assert list(tx.grad(product, wrt=wrt)(Zoo()).state_dict()) == paths


def test_state_can_be_differentiated_when_asked_for() -> None:
    net = make_net().eval()
    grads = tx.grad(loss, wrt=tx.BatchStat)(net, X)
    assert list(grads.state_dict()) == ["norm/mean"]
    assert grads.layers[0].w is tx.Nothing


def test_frozen_parts_get_no_gradient_whatever_is_asked_for() -> None:
    model = Zoo()
    model.kids[0].freeze(inplace=True)
    for wrt in (None, "kids/**", ...):
        grads = tx.grad(product, wrt=wrt)(model)
        assert grads.kids[0].w is tx.Nothing
        assert float(grads.kids[1].w) == 0.0
        assert grads.kids[0].frozen
    assert values(tx.grad(product)(model.freeze())) == []


def test_only_real_floating_leaves_are_differentiated() -> None:
    class Model(tx.Module):
        tree: Any = tx.Parameter.node()
        half: Any = tx.Parameter.node()
        number: Any = tx.Parameter.node(2.0)
        whole: Any = tx.Parameter.node(3)

        def __init__(self) -> None:
            self.tree = {"z": jnp.array(1.0), "a": [jnp.array(2), jnp.array(1j)]}
            self.half = jnp.array(2.0, jnp.bfloat16)

    def total(model: Model) -> Any:
        return model.tree["z"] * model.half.astype(jnp.float32) * model.number * model.whole

    grads = tx.grad(total)(Model())
    assert grads.tree == {"z": 12.0, "a": [tx.Nothing, tx.Nothing]}
    assert list(grads.tree) == ["z", "a"]
    assert grads.half.dtype == jnp.bfloat16
    assert float(grads.number) == 6.0
    assert grads.whole is tx.Nothing


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    model = Zoo()
    with untouched(model), pytest.raises(PathError, match=r"^grad: .*'kidz/\*\*'"):
        tx.grad(product, wrt="kidz/**")(model)
    with pytest.raises(PathError, match=r"^value_and_grad: "):
        tx.value_and_grad(product, wrt="kidz/**")(model)


def test_a_shared_parameter_gets_the_sum_of_its_gradients() -> None:
    class Tied(tx.Module):
        def __init__(self) -> None:
            self.one = Scale(2.0)
            self.two = [self.one]

    def f(model: Tied) -> Any:
        return 3 * model.one.w + model.two[0].w ** 2

    grads = tx.grad(f)(Tied())
    assert float(grads.one.w) == float(jax.grad(lambda w: 3 * w + w**2)(2.0)) == 7.0
    assert grads.one is grads.two[0]


# Arguments


def three(a: Any, model: Any, x: Any) -> Any:
    return a * model.w * x["k"]


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, [12.0]),
        (1, [8.0]),
        (2, [6.0]),
        (-1, [6.0]),
        (-2, [8.0]),
        ((0,), [12.0]),
        ((0, 1), [12.0, 8.0]),
        ([2, 0], [6.0, 12.0]),
        ((1, -1), [8.0, 6.0]),
        ((0, 1, 2), [12.0, 8.0, 6.0]),
    ],
)
def test_argnums_choose_arguments_of_any_sort(argnums: Any, expected: list[float]) -> None:
    args = 2.0, Scale(3.0), {"k": 4.0}
    grads = tx.grad(three, argnums=argnums)(*args)
    assert values(grads) == expected
    assert isinstance(grads, tuple) is not isinstance(argnums, int)
    value, again = tx.value_and_grad(three, argnums=argnums)(*args)
    assert (float(value), values(again)) == (24.0, expected)
    assert values(tx.jit(tx.grad(three, argnums=argnums))(*args)) == expected


def test_gradients_of_containers_of_modules_keep_the_container() -> None:
    def f(models: Any, scale: Any) -> Any:
        return models["a"].w * models["b"][0].w * models["x"] * scale.w

    models = {"a": Scale(2.0), "b": (Scale(3.0), Counter(1)), "x": 5.0}
    grads = tx.grad(f)(models, scale=Scale(7.0))
    assert [float(grads["a"].w), float(grads["b"][0].w), float(grads["x"])] == [105.0, 70.0, 42.0]
    assert type(grads["b"]) is tuple
    assert grads["b"][1].n is tx.Nothing


def test_overlapping_arguments_have_gradients_of_their_own_place() -> None:
    def f(model: Zoo, kid: Scale) -> Any:
        return model.kids[0].w * 5 + kid.w * 7 + model.a

    model = Zoo()
    both = tx.grad(f, argnums=(0, 1))(model, model.kids[0])
    assert float(both[0].kids[0].w) == 12.0
    assert float(both[1].w) == 12.0
    assert float(both[0].a) == 1.0
    assert float(tx.grad(f, argnums=1)(model, model.kids[0]).w) == 12.0
    twice = tx.grad(lambda one, two: one.a * two.a, argnums=(0, 1))(model, model)
    assert float(twice[0].a) == float(twice[1].a) == 4.0


@pytest.mark.parametrize("argnums", [1, -2, (0, 3)])
def test_argnums_that_name_no_argument_are_refused(argnums: Any) -> None:
    with pytest.raises(ArgumentError, match="one of the 1 positional arguments, received argnums="):
        tx.grad(product, argnums=argnums)(Zoo())


def test_arguments_of_a_bound_method_are_counted_without_self() -> None:
    class Model(Scale):
        def loss(self, x: Any, y: Any) -> Any:
            return self.w * x * y

    model = Model(2.0)
    assert float(tx.grad(model.loss)(3.0, 5.0)) == 10.0
    assert float(tx.grad(model.loss, argnums=1)(3.0, 5.0)) == 6.0
    assert float(tx.grad(tx.grad(model.loss))(3.0, 5.0)) == 0.0
    with pytest.raises(ArgumentError, match="one of the 2 positional arguments"):
        tx.grad(model.loss, argnums=2)(3.0, 5.0)
    assert float(tx.grad(Scale(3.0))(2.0)) == 3.0


def test_integers_are_refused_as_jax_refuses_them() -> None:
    with pytest.raises(TypeError, match="real- or complex-valued"):
        tx.grad(lambda model, x: model.w * x, argnums=1)(Scale(2.0), 3)


def test_a_result_that_is_no_scalar_is_refused_as_jax_refuses_it() -> None:
    model = Scale(2.0)
    with untouched(model), pytest.raises(TypeError, match="scalar-output"):
        tx.grad(lambda m: m(X))(model)


# aux


def test_aux_comes_out_beside_values_and_gradients() -> None:
    def f(model: Zoo) -> Any:
        model.n = model.n + 1
        return product(model), {"a": model.a * 2, "m": model, "text": [None]}

    model = Zoo()
    (value, aux), grads = tx.value_and_grad(f, has_aux=True)(model)
    assert (float(value), float(aux["a"]), aux["text"]) == (6.0, 4.0, [None])
    assert aux["m"] is model
    assert values(grads)[0] == 3.0
    grads, aux = tx.grad(f, has_aux=True)(model)
    assert (float(aux["a"]), int(model.n)) == (4.0, 2)
    (value, aux), grads = tx.jit(tx.value_and_grad(f, has_aux=True))(model)
    assert aux["m"] is model
    assert int(model.n) == 3


@pytest.mark.parametrize("result", [lambda m: m.a, lambda m: [m.a, 1], lambda m: (m.a, 1, 2)])
def test_with_aux_the_function_has_to_return_a_pair(result: Any) -> None:
    with pytest.raises(ArgumentError, match=r"to return `\(value, aux\)`, because has_aux=True"):
        tx.grad(result, has_aux=True)(Zoo())


def test_options_reach_jax() -> None:
    grads = tx.grad(lambda m, x: m.w * x[0], argnums=1, allow_int=True)(Scale(2.0), jnp.arange(2))
    assert grads.dtype == jax.dtypes.float0
    with pytest.raises(TypeError):
        tx.grad(product, no_such_option=1)(Zoo())


# Composition


def test_second_derivatives() -> None:
    def f(model: Scale) -> Any:
        return model.w**3

    def slope(model: Scale) -> Any:
        return tx.grad(f)(model).w

    assert float(tx.grad(slope)(Scale(2.0)).w) == 12.0
    assert float(jax.grad(lambda w: slope(Scale(w)))(2.0)) == 12.0
    assert float(tx.jit(tx.grad(tx.jit(slope)))(Scale(2.0)).w) == 12.0


def test_a_gradient_step_inside_a_gradient_keeps_every_write() -> None:
    def inner(model: Zoo) -> Any:
        model.n = model.n + 1
        return model.a**2

    def outer(model: Zoo) -> Any:
        model.n = model.n + 10
        grads = tx.grad(inner)(model)
        model.a = model.a - 0.5 * grads.a
        return model.a**2 + model.kids[0].w

    model = Zoo()
    grads = tx.jit(tx.grad(outer))(model)
    assert int(model.n) == 11
    assert float(model.a) == 0.0
    assert float(grads.kids[0].w) == 1.0
    assert no_tracers(model)


def test_gradients_under_vmap() -> None:
    def per_example(model: Scale, x: Any) -> Any:
        return tx.grad(lambda m: m(x) ** 2)(model).w

    grads = jax.vmap(per_example, in_axes=(None, 0))(Scale(2.0), jnp.arange(3.0))
    assert grads.tolist() == [0.0, 4.0, 16.0]


def test_as_decorators_with_and_without_options() -> None:
    @tx.grad
    def one(model: Scale) -> Any:
        return model.w**2

    @tx.value_and_grad(has_aux=True, wrt=tx.Parameter)
    def two(model: Scale) -> Any:
        return model.w**2, "aux"

    assert float(one(Scale(3.0)).w) == 6.0
    (value, aux), grads = two(Scale(3.0))
    assert (float(value), aux, float(grads.w)) == (9.0, "aux", 6.0)


def test_inside_init_the_function_creates_what_is_missing() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.layer = Dense(2)

        def __call__(self, x: Any) -> Any:
            return tx.grad(lambda layer: layer(x).sum())(self.layer).w

    model = Model().init(0, X)
    assert model.initialized
    assert model(X).shape == (4, 2)


def test_uninitialised_models_have_no_gradients() -> None:
    with pytest.raises(RuntimeError, match="Dense at layers/0: expected an initialised module"):
        tx.grad(loss)(Net(), X)


def test_training_by_hand_reaches_the_minimum() -> None:
    class Line(tx.Module):
        w: Any = tx.Parameter.node(0.0)
        b: Any = tx.Parameter.node(0.0)

        def __call__(self, x: Any) -> Any:
            return self.w * x + self.b

    x = jnp.linspace(-1, 1, 16)

    @tx.jit
    def step(model: Line) -> Any:
        value, grads = tx.value_and_grad(lambda m: jnp.mean((m(x) - (2 * x - 1)) ** 2))(model)
        for name in ("w", "b"):
            setattr(model, name, getattr(model, name) - 0.5 * getattr(grads, name))
        return value

    model = Line()
    for _ in range(60):
        step(model)
    np.testing.assert_allclose([model.w, model.b], [2.0, -1.0], atol=1e-3)
    assert step.cache_size() <= 2
