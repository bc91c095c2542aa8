from __future__ import annotations

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import content, untouched
from tests.optimizers.models import gradients, leaves_equal, make
from treexlite._errors import ArgumentError, NotInitializedError
from treexlite.optimizers._skip import all_finite


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
@pytest.mark.parametrize("compiled", [True, False])
def test_a_gradient_that_is_not_finite_moves_nothing(bad: float, compiled: bool) -> None:
    model = make()
    optimizer = tx.Optimizer("adamw", 0.1, skip_nonfinite=True, ema=0.5).init(model)
    update = lambda optimizer, model, grads: optimizer.update(grads, model)  # noqa: E731
    step = tx.jit(update) if compiled else update
    step(optimizer, model, gradients())
    inner = optimizer.opt_state.inner
    grads = gradients()
    grads["first/b"] = grads["first/b"].at[1].set(bad)
    before = content(model.parameters())
    step(optimizer, model, grads)
    assert content(model.parameters()) == before
    assert leaves_equal(optimizer.opt_state.inner, inner)
    assert (int(optimizer.skipped), int(optimizer.step)) == (1, 2)
    step(optimizer, model, gradients())
    assert int(optimizer.skipped) == 1
    assert content(model.parameters()) != before


def test_a_bad_gradient_of_a_frozen_parameter_does_not_matter() -> None:
    model = make()
    model.first.freeze(inplace=True)
    optimizer = tx.Optimizer("sgd", skip_nonfinite=True).init(model)
    optimizer.update({**gradients(), "first/w": jnp.full((4, 3), jnp.nan)}, model)
    assert int(optimizer.skipped) == 0


def test_a_bad_gradient_is_not_accumulated() -> None:
    params = {"x": jnp.float32(0.0)}
    optimizer = tx.Optimizer("sgd", 1.0, skip_nonfinite=True, accumulate_steps=2).init(params)
    for grad in (1.0, jnp.nan, 3.0):
        params = optimizer.update({"x": jnp.float32(grad)}, params)
    assert float(params["x"]) == -2.0


def test_finite_is_every_entry() -> None:
    assert bool(all_finite({"a": jnp.ones(2), "b": 1.0}))
    assert not bool(all_finite({"a": jnp.array([1.0, jnp.inf])}))
    assert bool(all_finite({}))


def test_skipped_needs_an_optimizer_that_skips() -> None:
    with pytest.raises(ArgumentError, match=r"Optimizer.skipped: .*`skip_nonfinite=True`"):
        _ = tx.Optimizer("sgd").init({"x": jnp.ones(2)}).skipped
    with pytest.raises(NotInitializedError, match=r"Optimizer.skipped: expected an initialised"):
        _ = tx.Optimizer("sgd", skip_nonfinite=True).skipped


def test_options_need_the_parameters() -> None:
    grads = {"x": jnp.ones(2)}
    optimizer = tx.Optimizer("sgd", skip_nonfinite=True).init(grads)
    with untouched(optimizer), pytest.raises(ArgumentError, match="expected the parameters, which"):
        optimizer.update(grads)
