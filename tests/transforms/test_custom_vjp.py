from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, ContextError, StructureError


def make(backward: Any = None, forward: Any = None) -> Any:
    @tx.custom_vjp
    def f(model: Stateful, x: Any) -> Any:
        return model(x)

    def default_forward(model: Stateful, x: Any) -> Any:
        return model(x), (model, x)

    def default_backward(residuals: Any, ct: Any) -> Any:
        model, x = residuals
        return model.filter(tx.Parameter).map(lambda w: 10 * ct * x), ct

    f.defvjp(forward or default_forward, backward or default_backward)
    return f


def test_the_rule_gives_the_gradients() -> None:
    f = make()
    model, other = Stateful(), Stateful()
    grads, x_grad = tx.grad(lambda m, x: f(m, x).sum(), argnums=(0, 1))(model, X[0])
    assert_same((grads.w, x_grad), (10 * X[0], jnp.ones(3)))
    other(X[0])
    assert_same(model, other)


def test_without_differentiation_it_is_the_function() -> None:
    model, other = Stateful(), Stateful()
    assert_same(tx.jit(make())(model, X[0]), other(X[0]))
    assert_same(model, other)


def test_none_is_zero() -> None:
    f = make(backward=lambda residuals, ct: (None, None))
    grads, x_grad = tx.grad(lambda m, x: f(m, x).sum(), argnums=(0, 1))(Stateful(), X[0])
    assert_same((grads.w, x_grad), (jnp.zeros(3), jnp.zeros(3)))


def test_methods_trees_keywords_and_static_arguments() -> None:
    class Net(tx.Module):
        w: jax.Array = tx.Parameter.node()

        def __init__(self) -> None:
            self.w = jnp.array(3.0)

        @tx.custom_vjp(nondiff_argnums=2)
        def scaled(self, x: Any, n: int) -> Any:
            return self.w * x["a"] * n

    def forward(net: Net, x: Any, n: int) -> Any:
        return net.scaled.transform.function(net, x, n), (x["a"], net.w)

    def backward(n: int, residuals: Any, ct: Any) -> Any:
        _, w = residuals
        return tx.grad(lambda net: net.w * 100.0 * n)(Net()), {"a": ct * w, "b": None}

    Net.scaled.defvjp(forward, backward)
    net = Net()
    x = {"a": jnp.array(2.0), "b": jnp.array(0.0)}
    grads, x_grads = tx.grad(lambda net, x: net.scaled(x, n=5), argnums=(0, 1))(net, x)
    assert_same((grads.w, x_grads), (jnp.array(500.0), {"a": jnp.array(3.0), "b": jnp.array(0.0)}))


def test_a_module_that_is_passed_twice_gets_both_cotangents() -> None:
    @tx.custom_vjp
    def f(one: Stateful, two: Stateful) -> Any:
        return (one.w * two.w).sum()

    f.defvjp(
        lambda one, two: (f(one, two), (one, two)),
        lambda res, ct: (res[0].filter(tx.Parameter), res[1].filter(tx.Parameter)),
    )
    model = Stateful()
    assert_same(tx.grad(lambda m: f(m, m))(model).w, 2 * model.w)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (make(forward=lambda m, x: m(x)), ArgumentError, "output, residuals"),
        (make(forward=lambda m, x: (m, x)), StructureError, "keeps the structure"),
        (make(backward=lambda r, ct: ct), StructureError, "a tuple of 2"),
        (make(backward=lambda r, ct: (ct, ct)), StructureError, "a module for a module"),
        (make(backward=lambda r, ct: (None, (ct, ct))), StructureError, "1 parts"),
        (make(backward=lambda r, ct: (tx.nn.Linear(1).init(0, X), ct)), StructureError, "kernel"),
    ],
)
def test_rules_that_do_not_fit(f: Any, error: Any, message: str) -> None:
    model = Stateful()
    with untouched(model), pytest.raises(error, match=message):
        tx.grad(lambda m, x: f(m, x).sum())(model, X[0])


def test_a_rule_is_needed_and_positions_too() -> None:
    @tx.custom_vjp
    def f(x: Any, *, y: Any) -> Any:
        return x

    with pytest.raises(ContextError, match="defvjp"):
        f(1.0)
    f.defvjp(lambda x: (x, None), lambda res, ct: (ct,))
    with pytest.raises(ArgumentError, match="keyword-only 'y'"):
        f(1.0, y=2.0)


def test_layers_are_created_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.layer = tx.nn.Linear(2)

        def __call__(self, x: Any) -> Any:
            return make_linear(self.layer, x)

    make_linear = tx.custom_vjp(lambda layer, x: layer(x))
    make_linear.defvjp(lambda layer, x: (layer(x), None), lambda res, ct: (None, None))
    assert Net().init(0, X).layer.kernel.shape == (3, 2)
