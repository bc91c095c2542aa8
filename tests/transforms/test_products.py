from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, StructureError


def call(model: Stateful, x: Any) -> Any:
    return model(x)


def by_hand(w: Any, x: Any) -> Any:
    noise = jax.random.uniform(jax.random.split(jax.random.PRNGKey(1))[1], (3,))
    return jnp.sin(w * x) + noise + 0.5 * x


def test_vjp_equals_plain_jax_and_changes_state_once() -> None:
    model, other = Stateful(), Stateful()
    y, pullback = tx.vjp(call, model, X[0])
    expected_y, expected_pullback = jax.vjp(by_hand, other.w, X[0])
    grads, x_grad = pullback(jnp.arange(3.0))
    assert_same((y, grads.w, x_grad), (expected_y, *expected_pullback(jnp.arange(3.0))))
    assert grads.key is tx.Nothing
    other(X[0])
    assert_same(model, other)


def test_a_pullback_can_be_called_again_and_passed_to_jit() -> None:
    _, pullback = tx.vjp(call, Stateful(), X[0])
    first = pullback(jnp.ones(3))
    assert_same(first[0].w, pullback(jnp.ones(3))[0].w)
    assert_same(first[0].w, jax.jit(lambda pull: pull(jnp.ones(3))[0].w)(pullback))


def test_vjp_with_aux_filters_bound_methods_and_trees() -> None:
    model = Stateful()
    _, pullback, aux = tx.vjp(lambda m: (m["m"].w, m["m"].w + 1), {"m": model}, has_aux=True)
    assert_same((pullback(jnp.ones(3))[0]["m"].w, aux), (jnp.ones(3), model.w + 1))
    _, pullback = tx.vjp(lambda m: m.w * m.mean, model, wrt=tx.BatchStat)
    assert pullback(jnp.ones(3))[0].w is tx.Nothing
    assert_same(pullback(jnp.ones(3))[0].mean, model.w)
    _, pullback = tx.vjp(model.bump, X[0])
    assert_same(pullback(jnp.ones(3)), (model.w,))


def test_jvp_equals_plain_jax_and_changes_state_once() -> None:
    model, other = Stateful(), Stateful()
    direction = model.filter(tx.Parameter).map(lambda w: 2 * jnp.ones_like(w))
    y, change = tx.jvp(call, (model, X[0]), (direction, jnp.ones(3)))
    expected = jax.jvp(by_hand, (other.w, X[0]), (2 * jnp.ones(3), jnp.ones(3)))
    assert_same((y, change), expected)
    other(X[0])
    assert_same(model, other)


def test_jvp_of_jvp_and_jit() -> None:
    def first(w: Any) -> Any:
        model = Stateful()
        return tx.jvp(lambda m: m.bump(X[0]), (model.replace(w=w),), (model.filter(tx.Parameter),))

    y, change = tx.jit(first)(jnp.ones(3))
    assert_same((y, change), (X[0], X[0] * jnp.arange(1.0, 4)))


def test_integers_have_no_direction() -> None:
    model = Stateful()
    ones = jax.tree.map(jnp.ones_like, model)
    _, change, aux = tx.jvp(lambda m: (m.w.sum(), m.count), (model,), (ones,), has_aux=True)
    assert (float(change), int(aux)) == (3.0, 0)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda m: tx.jvp(call, (m, X[0]), (m,)), ArgumentError, "one tangent for each"),
        (lambda m: tx.jvp(call, (m, X[0]), (None, X[0])), StructureError, "1 modules"),
        (lambda m: tx.jvp(call, (m, X[0]), (m, None)), StructureError, "1 plain"),
        (
            lambda m: tx.jvp(lambda m: m.w, (m,), (tx.nn.Linear(1).init(0, X),)),
            StructureError,
            "kernel",
        ),
        (lambda m: tx.vjp(lambda m: m, m), ArgumentError, "to return arrays"),
        (lambda m: tx.vjp(lambda m: m.w, m, has_aux=True), ArgumentError, "value, aux"),
        (lambda m: tx.jvp(lambda m: m, (m,), (m,)), ArgumentError, "to return arrays"),
    ],
)
def test_what_does_not_fit(run: Any, error: Any, message: str) -> None:
    model = Stateful()
    with untouched(model), pytest.raises(error, match=message):
        run(model)


def test_vjp_and_grad_agree() -> None:
    value, pullback = tx.vjp(lambda m, x: m(x).sum(), Stateful(), X[0])
    grads = tx.grad(lambda m, x: m(x).sum())(Stateful(), X[0])
    np.testing.assert_allclose(pullback(jnp.ones(()))[0].w, grads.w)
    assert value.shape == ()
