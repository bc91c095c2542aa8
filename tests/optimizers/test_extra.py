"""Transformations of optax that want more than gradients, eagerly and compiled."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests._core.modules import X, no_tracers
from tests.optimizers.models import gradients, leaves_equal, loss, make, named

OPTIMIZERS: dict[str, Any] = {
    "lbfgs": lambda: tx.Optimizer("lbfgs", memory_size=2),
    "lbfgs with a fixed rate": lambda: tx.Optimizer("lbfgs", 0.1, linesearch=None),
    "plateau": lambda: tx.Optimizer(
        optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau(patience=1))
    ),
    "schedule free": lambda: tx.Optimizer(
        optax.contrib.schedule_free(optax.sgd(0.1), learning_rate=0.1)
    ),
    "prodigy": lambda: tx.Optimizer("prodigy"),
    "dadapt": lambda: tx.Optimizer("dadapt_adamw"),
    "polyak": lambda: tx.Optimizer(optax.polyak_sgd(1.0)),
    "momo": lambda: tx.Optimizer(optax.contrib.momo_adam, learning_rate=0.1),
}


def step(model: Any, optimizer: tx.Optimizer) -> Any:
    f = lambda model: loss(model, X)  # noqa: E731
    value, grads = tx.value_and_grad(f)(model)
    optimizer.update(grads, model, value=value, grad=grads, value_fn=f)
    return value


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_extra_arguments_arrive_eagerly_and_compiled(name: str) -> None:
    eager, fast = make(), make()
    one, two = OPTIMIZERS[name]().init(eager), OPTIMIZERS[name]().init(fast)
    compiled = tx.jit(step)
    np.testing.assert_allclose(step(eager, one), compiled(fast, two), rtol=1e-4)
    for path, value in named(eager).items():
        np.testing.assert_allclose(value, named(fast)[path], rtol=1e-3, atol=1e-5)
    compiled(fast, two)
    assert no_tracers((fast, two))
    assert compiled.cache_size() == 1
    assert float(loss(make(), X)) > float(loss(fast, X))


@pytest.mark.parametrize("options", [{"clip_norm": 10.0, "ema": 0.5}, {"skip_nonfinite": True}])
def test_extra_arguments_pass_through_options(options: Any) -> None:
    plain, wrapped = make(), make()
    one = tx.Optimizer(optax.polyak_sgd(1.0)).init(plain)
    two = tx.Optimizer(optax.polyak_sgd(1.0), **options).init(wrapped)
    for _ in range(2):
        step(plain, one), step(wrapped, two)
    for path, value in named(plain).items():
        np.testing.assert_allclose(value, named(wrapped)[path], rtol=1e-6)


@pytest.mark.parametrize("name", ["lbfgs", "prodigy", "adam"])
def test_nothing_happens_when_everything_is_frozen(name: str) -> None:
    model = make()
    optimizer = tx.Optimizer(name).init(model)
    model.freeze(inplace=True)
    before = named(model), optimizer.opt_state
    optimizer.update(gradients(), model)
    assert leaves_equal((named(model), optimizer.opt_state), before)
    assert int(optimizer.step) == 1


def test_a_line_search_works_inside_of_a_choice() -> None:
    model = make()
    optimizer = tx.Optimizer("lbfgs", memory_size=2, skip_nonfinite=True).init(model)
    compiled = tx.jit(step)
    values = [float(compiled(model, optimizer)) for _ in range(3)]
    assert values[2] < values[0]
    assert int(model.steps) == 3  # calls of the search are no calls of the model
    assert jax.tree.all(jax.tree.map(lambda x: bool(jnp.isfinite(x).all()), named(model)))
