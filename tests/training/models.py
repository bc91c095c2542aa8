"""Small models and data sets for the tests of training."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx


class Everything(tx.Module):
    """A classifier with all kinds of state: parameters, running statistics, keys."""

    def __init__(self) -> None:
        self.hidden = tx.nn.Linear(8)
        self.norm = tx.nn.BatchNorm(momentum=0.5)
        self.dropout = tx.nn.Dropout(0.3)
        self.linear = tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.linear(self.dropout(jax.nn.relu(self.norm(self.hidden(x)))))


class Scale(tx.Module):
    """One parameter: `w * x`."""

    w: jax.Array = tx.Parameter.node()

    def __init__(self, w: float = 2.0) -> None:
        self.w = jnp.array(w)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.w * x


class Logging(Scale):
    """Adds a penalty to the loss, and logs the mean of its inputs."""

    penalty: jax.Array = tx.LossLog.node()
    mean: jax.Array = tx.MetricLog.node()

    def __init__(self, w: float = 2.0) -> None:
        super().__init__(w)
        self.penalty = jnp.array(100.0)
        self.mean = jnp.array(100.0)

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.training:
            self.penalty = 3 * self.w
        self.mean = x.mean()
        return self.w * x


def classes(count: int = 50, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of 4 features, and which of the first three is the largest."""
    x = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    return x, x[:, :3].argmax(axis=1)


def arrays(module: Any) -> dict[str, np.ndarray]:
    """All data of a module by name, as NumPy arrays."""
    return {name: np.array(array) for name, array in module.state_dict().items()}


def assert_same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    """Equal names, and equal arrays bit by bit."""
    assert left.keys() == right.keys()
    for name, array in left.items():
        np.testing.assert_array_equal(array, right[name], err_msg=name)
