"""A small thing to train, for the tests of callbacks."""

from typing import Any

import jax
import jax.numpy as jnp

import treexlite as tx


class Line(tx.Module):
    """`w * x`, from a known beginning."""

    w: jax.Array = tx.Parameter.node()

    def __init__(self, w: float = 0.0) -> None:
        self.w = jnp.array(w)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.w * x


X = jnp.linspace(-1.0, 1.0, 40)[:, None]
DATA = (X, 2.0 * X)  # ten batches of 4


def new_line(rate: float = 0.1, w: float = 0.0, **options: Any) -> Any:
    """Return a trainer whose loss falls steadily for a small `rate`."""
    optimizer = tx.Optimizer("sgd", learning_rate=rate)
    return tx.Trainer(Line(w), loss="mse", optimizer=optimizer, **options)


FREE: list[Any] = []  # trainers with compiled steps, for the next test
USED: list[Any] = []  # those of the present test; `conftest.py` frees them after it


def line(rate: float = 0.1, w: float = 0.0) -> Any:
    """Return a `new_line`, or one that an earlier test has compiled, as if it were new."""
    trainer = FREE.pop() if FREE else new_line()
    USED.append(trainer)
    fresh = new_line(rate, w)
    fresh.model.init(0, X, inplace=True)
    fresh.optimizer.init(fresh.model, inplace=True)
    if not trainer.optimizer.initialized:
        trainer.optimizer.init(trainer.model, inplace=True)
    trainer.state.load_state_dict(fresh.state.state_dict())
    trainer.is_restored = False
    return trainer
