"""examples/state/treex_pattern.py: parameters and state come out of plain JAX when returned."""

import jax
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.examples.scripts import load

example = load("state/treex_pattern")


def test_the_fit_ends_on_the_line() -> None:
    model, losses = example.fit()
    assert losses[-1] < 1e-6
    assert float(model.w) == pytest.approx(2.0, abs=1e-3)
    assert float(model.eval()(0.0)) == pytest.approx(-1.0, abs=1e-2)


def test_the_running_mean_is_the_numpy_recursion() -> None:
    x, _ = example.points()
    model, losses = example.fit(num_steps=15)
    mean = 0.0
    for _ in losses:
        mean = 0.9 * mean + 0.1 * x.mean()
    assert float(model.mean) == pytest.approx(mean, rel=1e-5)


def test_a_step_is_that_of_numpy() -> None:
    x, y = example.points()
    model = example.Line()
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model.trainable_parameters())
    loss, after, optimizer = example.train_step(model, optimizer, x, y)
    assert float(loss) == pytest.approx(np.mean(y**2), rel=1e-5)
    centred = x - 0.1 * x.mean()
    assert float(after.w) == pytest.approx(0.1 * 2 * np.mean(centred * y), rel=1e-5)
    assert float(after.b) == pytest.approx(0.1 * 2 * np.mean(y), rel=1e-5)
    assert float(after.mean) == pytest.approx(0.1 * x.mean(), rel=1e-5)
    assert int(optimizer.step) == 1
    assert [float(value) for value in (model.w, model.b, model.mean)] == [0.0, 0.0, 0.0]


def test_plain_value_and_grad_gives_gradients_for_parameters_only() -> None:
    x, y = example.points()
    model = example.Line()
    params = model.trainable_parameters()
    (_, after), grads = jax.value_and_grad(example.loss_fn, has_aux=True)(params, model, x, y)
    assert set(grads.state_dict()) == {"w", "b"}
    assert float(after.mean) == pytest.approx(0.1 * x.mean(), rel=1e-5)


def test_evaluation_mode_keeps_the_running_mean() -> None:
    model, _ = example.fit(num_steps=3)
    before = float(model.mean)
    model.eval()(np.ones(4, "float32"))
    assert float(model.mean) == before
