"""examples/state/descent.py: 20 steps on (x - 3)^2, against theory and a plain recursion."""

import numpy as np
import pytest

from tests.examples.scripts import load

example = load("state/descent")


def numpy_momentum(rate: float = 0.1, decay: float = 0.9, num_steps: int = 20) -> float:
    x = velocity = np.float64(0.0)
    for _ in range(num_steps):
        velocity = decay * velocity + 2.0 * (x - 3.0)
        x = x - rate * velocity
    return float(x)


def test_gradient_descent_ends_where_theory_says() -> None:
    x = example.descend(example.OPTIMIZERS["sgd"])
    assert x == pytest.approx(3 * (1 - 0.8**20), rel=1e-6)


@pytest.mark.parametrize("name", ["momentum (optax)", "momentum (ours)"])
def test_momentum_equals_the_numpy_recursion(name: str) -> None:
    assert example.descend(example.OPTIMIZERS[name]) == pytest.approx(numpy_momentum(), rel=1e-5)


@pytest.mark.parametrize("name", list(example.OPTIMIZERS))
def test_a_step_returns_the_loss_before_it_and_moves_the_model(name: str) -> None:
    model = example.Parabola()
    loss = example.step(model, example.OPTIMIZERS[name](model))
    assert float(loss) == pytest.approx(9.0)
    assert float(model.x) == pytest.approx(0.6)


def test_the_optimizer_counts_its_steps() -> None:
    model = example.Parabola()
    optimizer = example.OPTIMIZERS["sgd"](model)
    for _ in range(4):
        example.step(model, optimizer)
    assert int(optimizer.step) == 4
