from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, ContextError, StructureError


def make(rule: Any = None) -> Any:
    @tx.custom_jvp
    def f(model: Stateful, x: Any) -> Any:
        return model(x)

    @f.defjvp
    def default(primals: Any, tangents: Any) -> Any:
        model, x = primals
        assert tangents[0].count is tx.Nothing
        return model(x), 7 * tangents[0].w + tangents[1]

    if rule is not None:
        f.defjvp(rule)
    return f


def test_the_rule_gives_gradients_in_both_directions() -> None:
    f = make()
    model, other = Stateful(), Stateful()
    grads, x_grad = tx.grad(lambda m, x: f(m, x).sum(), argnums=(0, 1))(model, X[0])
    assert_same((grads.w, x_grad), (7 * jnp.ones(3), jnp.ones(3)))
    other(X[0])
    assert_same(model, other)
    direction = model.filter(tx.Parameter).map(jnp.ones_like)
    _, change = tx.jvp(f, (model, X[0]), (direction, jnp.zeros(3)))
    assert_same(change, 7 * jnp.ones(3))


def test_without_differentiation_it_is_the_function() -> None:
    model, other = Stateful(), Stateful()
    assert_same(tx.jit(make())(model, x=X[0]), other(X[0]))
    assert_same(model, other)


def test_static_arguments_come_first() -> None:
    @tx.custom_jvp(nondiff_argnums=1)
    def power(x: Any, n: int) -> Any:
        return x**n

    power.defjvp(lambda n, primals, tangents: (power(primals[0], n), n * 100.0 * tangents[0]))
    assert float(jax.grad(lambda x: power(x, 3))(2.0)) == 300.0


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (lambda p, t: p[0](p[1]), ArgumentError, "output, tangent"),
        (lambda p, t: (p[0], t[1]), StructureError, "keeps the structure"),
    ],
)
def test_rules_that_do_not_fit(rule: Any, error: Any, message: str) -> None:
    model, f = Stateful(), make(rule)
    with untouched(model), pytest.raises(error, match=message):
        tx.grad(lambda m, x: f(m, x).sum())(model, X[0])


def test_a_rule_is_needed() -> None:
    with pytest.raises(ContextError, match="defjvp"):
        tx.custom_jvp(lambda x: x)(1.0)
