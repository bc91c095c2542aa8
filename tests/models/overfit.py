"""A model that cannot learn one batch by heart has a mistake in it."""

from collections.abc import Callable
from typing import Any

import jax
import optax

import treexlite as tx


def losses(
    model: tx.Module, loss: Callable[[Any], jax.Array], steps: int, rate: float = 1e-2
) -> list[float]:
    """Train on one batch, and return the loss before each step."""
    optimizer = tx.Optimizer(optax.adam(rate)).init(model)

    @tx.jit
    def step(model: Any, optimizer: tx.Optimizer) -> jax.Array:
        value, gradients = tx.value_and_grad(loss)(model)
        optimizer.update(gradients, model)
        return value

    return [float(step(model, optimizer)) for _ in range(steps)]


def count(make: Callable[[], tx.Module], x: Any) -> int:
    """Return the number of parameters of a model, without making them."""
    state = jax.eval_shape(lambda: make().init(0, x).parameters().state_dict())
    return sum(array.size for array in state.values())
