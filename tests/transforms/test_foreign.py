from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import checkify

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, StructureError


@pytest.mark.parametrize("transform", [jax.jit, jax.checkpoint, lambda f: f])
def test_any_transformation_keeps_the_state(transform: Any) -> None:
    model, other = Stateful(), Stateful()
    out = tx.lift(transform)(lambda model, x: model(x))(model, x=X[0])
    assert_same(out, other(X[0]))
    assert_same(model, other)
    assert_same(tx.lift(transform)(model)(X[0]), other(X[0]))
    assert_same(model, other)


def test_checkify_returns_the_error_beside_the_output() -> None:
    def checked(model: Stateful, x: Any) -> Any:
        checkify.check(x.sum() > 0, "must be positive")
        return model(x)

    model, other = Stateful(), Stateful()
    error, out = tx.jit(tx.lift(checkify.checkify)(checked))(model, X[0])
    assert error.get() is None
    assert_same(out, other(X[0]))
    assert_same(model, other)
    error, _ = tx.lift(checkify.checkify)(checked)(model, -X[0])
    assert "must be positive" in error.get()


def test_options_and_positions() -> None:
    lifted = tx.lift(jax.jit, static_argnums=1)(lambda model, n: model.w * n)
    assert_same(lifted(Stateful(), 3), 3 * Stateful().w)


def test_shared_modules_stay_one() -> None:
    model, other = Stateful(), Stateful()
    out = tx.lift(jax.jit)(lambda one, two: one(X[0]) + two(X[0]))(model, model)
    assert_same(out, other(X[0]) + other(X[0]))
    assert_same(model, other)


def test_a_returned_module_and_changed_structure() -> None:
    def grow(model: Stateful) -> Any:
        model.calls += 1
        return model

    model = Stateful()
    assert tx.preserve_state(jax.jit)(grow)(model) is model
    assert model.calls == 1


def test_a_result_that_was_dropped_is_an_error() -> None:
    model = Stateful()
    with untouched(model), pytest.raises(StructureError, match="0 times"):
        tx.lift(lambda f: lambda *args: (f(*args), None)[1])(model)(X[0])
    with untouched(model), pytest.raises(StructureError, match="2 times"):
        tx.lift(lambda f: lambda *args: (f(*args), f(*args)))(model)(X[0])


def test_the_transformation_comes_first() -> None:
    with pytest.raises(ArgumentError, match="transformation of functions"):
        tx.lift(Stateful())
    assert tx.preserve_state is tx.lift
    assert jnp.ones(()).shape == ()
