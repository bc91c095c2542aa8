from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.optimizers.models import assert_close, make, train_step
from treexlite._errors import ArgumentError


def half(dtype: Any = jnp.bfloat16) -> Any:
    return make().map(lambda x: x.astype(dtype), "first/**")


def test_small_steps_add_up_in_the_copies() -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    plain = tx.Optimizer("sgd", 2.0**-10).init(params)
    mastered = tx.Optimizer("sgd", 2.0**-10, master_dtype=jnp.float32).init(params)
    one = two = params
    for _ in range(16):
        one = plain.update(params, one)
        two = mastered.update(params, two)
    assert one["x"].tolist() == [1.0, 1.0]  # each step is lost
    assert two["x"].tolist() == [1 - 2.0**-6] * 2
    assert two["x"].dtype == jnp.bfloat16


def test_copies_are_made_of_narrower_parameters_only() -> None:
    optimizer = tx.Optimizer("adam", master_dtype=jnp.float32).init(half())
    assert list(optimizer.opt_state.masters) == ["first/b", "first/w"]
    state = optimizer.opt_state.inner[0]
    assert {leaf.dtype for leaf in jax.tree.leaves(state.mu)} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("compiled", [True, False])
def test_steps_are_those_of_float32_rounded(compiled: bool) -> None:
    rounded, exact = half(), half().map(lambda x: x.astype(jnp.float32), tx.Parameter)
    one = tx.Optimizer("adamw", 0.1, master_dtype="float32", clip_norm=0.5).init(rounded)
    two = tx.Optimizer("adamw", 0.1, clip_norm=0.5).init(exact)
    update = lambda o, m, grads: o.update(grads, m)  # noqa: E731
    step = tx.jit(update) if compiled else update
    for number in range(3):
        grads = tx.grad(
            lambda m, n=number: sum(jnp.sum(n * w) for w in jax.tree.leaves(m.parameters()))
        )
        step(one, rounded, grads(rounded)), step(two, exact, grads(exact))
    masters = one.opt_state.masters
    wide = exact.state_dict()
    assert_close(masters, {path: wide[path] for path in masters})
    for path, master in masters.items():
        np.testing.assert_array_equal(rounded.state_dict()[path], master.astype(jnp.bfloat16))


def test_a_parameter_that_was_assigned_begins_anew() -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    optimizer = tx.Optimizer("sgd", 0.5, master_dtype=jnp.float32).init(params)
    optimizer.update(params, params)
    loaded = {"x": jnp.array([8.0, 16.0], jnp.bfloat16)}
    assert optimizer.update(params, loaded)["x"].tolist() == [7.5, 15.5]


def test_averages_are_those_of_the_copies() -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    optimizer = tx.Optimizer("sgd", 2.0**-10, master_dtype=jnp.float32, ema=0.5).init(params)
    for _ in range(2):
        params = optimizer.update({"x": jnp.ones(2)}, params)
    averages = optimizer.opt_state.inner.averages["x"]
    np.testing.assert_allclose(averages, 1 - 1.5 * 2.0**-10, rtol=1e-7)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_a_train_step_in_half_precision(dtype: Any) -> None:
    model = half(dtype)
    optimizer = tx.Optimizer("adam", 0.1, master_dtype=jnp.float32, loss_scale=8.0).init(model)
    step = tx.jit(train_step)
    losses = [float(step(model, optimizer)) for _ in range(3)]
    assert losses[-1] < losses[0]
    assert model.first.w.dtype == dtype
    assert step.cache_size() == 1


@pytest.mark.parametrize("dtype", [jnp.int32, "wide", 3.5])
def test_copies_are_floating(dtype: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `master_dtype` to be a floating dtype"):
        tx.Optimizer("sgd", master_dtype=dtype)
