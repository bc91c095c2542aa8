"""A small model, its loss, and optimizers with every option, which the laws are tried on."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import treexlite as tx
from tests._core.modules import Dense, X


class Model(tx.Module):
    """Two layers with biases, and state that is no parameter."""

    steps: Any = tx.State.node()

    def __init__(self) -> None:
        self.first, self.last = Dense(3), Dense(2)
        self.steps = jnp.array(0)

    def __call__(self, x: Any) -> Any:
        self.steps = self.steps + 1
        return self.last(jnp.tanh(self.first(x)))


PATHS = ["first/b", "first/w", "last/b", "last/w"]
MODEL = Model().init(0, X)


def make() -> Model:
    return MODEL.map(jnp.array)  # arrays of its own: some tests donate them


def loss(model: Any, x: Any) -> Any:
    return jnp.mean((model(x) - 1.0) ** 2)


def named(model: Any) -> dict[str, Any]:
    return dict(sorted(model.parameters().state_dict().items()))


def assert_close(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert list(one) == list(two)
    for path in one:
        np.testing.assert_allclose(one[path], two[path], rtol=2e-5, atol=1e-6)


def train_step(model: Any, optimizer: tx.Optimizer) -> Any:
    """One step on fixed data, with a loss scale if there is one."""
    value, grads = tx.value_and_grad(lambda m: optimizer.scale_loss(loss(m, X)))(model)
    optimizer.update(grads, model)
    return value


def gradients(scale: float = 1.0) -> Any:
    """Gradients for `Model`, without computing any."""
    return {path: scale * jnp.ones_like(x) for path, x in named(MODEL).items()}


def halve(w: Any) -> Any:
    return w / 2


EVERY_OPTION: dict[str, dict[str, Any]] = {
    "clip": {"clip_norm": 0.1, "clip_value": 0.05},
    "accumulate": {"accumulate_steps": 2},
    "skip": {"skip_nonfinite": True},
    "ema": {"ema": 0.5},
    "lookahead": {"lookahead": (2, 0.5)},
    "decay": {"decay": "**/w"},
    "constraints": {"constraints": {"first/w": jnp.abs}},
    "schedule": {"learning_rate": tx.optimizers.schedules.linear(0.1, 4)},
    "loss scale": {"loss_scale": tx.optimizers.DynamicLossScale(8.0, growth_interval=2)},
    "master": {"master_dtype": jnp.float32},
    "all": {
        "clip_norm": 0.5,
        "accumulate_steps": 2,
        "ema": 0.5,
        "lookahead": (2, 0.5),
        "decay": "**/w",
        "constraints": {"last/w": halve},
        "loss_scale": 8.0,
        "master_dtype": jnp.float32,
    },
}


def with_option(name: str) -> tx.Optimizer:
    """AdamW with a strong decay, which would show in parameters that have to stay."""
    options = {"learning_rate": 0.1, "weight_decay": 0.5, **EVERY_OPTION[name]}
    return tx.Optimizer("adamw", **options)


def groups() -> tx.Optimizer:
    return tx.Optimizer({"first/**": optax.adamw(0.1, weight_decay=0.5), ...: "sgd"}, clip_norm=0.1)


def leaves_equal(one: Any, two: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
