from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import treexlite as tx
from tests._core.modules import Counter, untouched
from tests.transforms.stateful import Stateful, X


def struct(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def test_eval_shape_changes_nothing_and_computes_nothing() -> None:
    model = Stateful()
    with untouched(model):
        out = tx.eval_shape(model.pair, 0.0, struct(3))
    assert [leaf.shape for leaf in out] == [(), (3,)]


def test_eval_shape_of_init_gives_a_module_of_shapes() -> None:
    model = tx.nn.Sequential(tx.nn.Linear(4), tx.nn.BatchNorm())
    shapes = tx.eval_shape(model.init, 0, struct(2, 3))
    assert isinstance(shapes[0].kernel, jax.ShapeDtypeStruct)
    assert shapes[0].kernel.shape == (3, 4)
    assert not model.initialized
    assert tx.eval_shape(shapes, struct(7, 3)).shape == (7, 4)


def test_eval_shape_returns_the_state_afterwards() -> None:
    def grow(model: Stateful) -> Stateful:
        model.memory = jnp.zeros((5, 5))
        return model

    model = Stateful()
    assert tx.eval_shape(grow, model).memory.shape == (5, 5)
    assert model.memory.shape == (3,)


def test_make_jaxpr_has_fields_then_arguments_and_outputs_then_changes() -> None:
    model = Stateful()
    with untouched(model):
        jaxpr = tx.make_jaxpr(model.bump)(X[0])
    assert len(jaxpr.in_avals) == len(list(model.fields())) + 1
    assert [aval.shape for aval in jaxpr.out_avals] == [(3,), ()]


def test_make_jaxpr_with_shape_and_static_arguments() -> None:
    def power(model: Stateful, n: int) -> Any:
        return model.w**n, model

    jaxpr, (out, model) = tx.make_jaxpr(power, static_argnums=1, return_shape=True)(Stateful(), 3)
    assert "integer_pow" in str(jaxpr)
    assert out.shape == model.w.shape == (3,)


def test_weakly_typed_results_are_weakly_typed_shapes() -> None:
    counter = Counter()
    counter.n = jnp.asarray(0)

    def count(counter: Counter, x: Any) -> Any:
        counter.n = counter.n + 1
        return 2 * x, counter

    y, after = tx.eval_shape(count, counter, 1.0)
    assert y == jax.eval_shape(lambda x: 2 * x, 1.0)
    assert after.n == jax.eval_shape(lambda: jnp.asarray(0) + 1)
    assert y.weak_type
    assert after.n.weak_type
