"""A module with a field of every kind, and what it does written by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx


class Memory(tx.Cache):
    """A kind of the user's own."""


class Stateful(tx.Module):
    """Multiplies by a weight, and writes to a field of every kind on the way."""

    w: jax.Array = tx.Parameter.node()
    count: jax.Array = tx.State.node()
    key: jax.Array = tx.Rng.node()
    mean: jax.Array = tx.BatchStat.node()
    memory: jax.Array = Memory.node()
    log: jax.Array = tx.MetricLog.node()

    def __init__(self, size: int = 3) -> None:
        self.w = jnp.arange(1.0, size + 1)
        self.count = jnp.array(0, jnp.int32)
        self.key = jax.random.PRNGKey(1)
        self.mean = jnp.zeros(size)
        self.memory = jnp.zeros(size)
        self.log = jnp.array(0.0)
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.key, key = jax.random.split(self.key)
        self.count = self.count + 1
        self.mean = 0.5 * self.mean + 0.5 * x
        self.memory = x
        y = jnp.sin(self.w * x) + jax.random.uniform(key, x.shape) + self.mean
        self.log = y.sum()
        return y

    def bump(self, x: Any) -> Any:
        """Write what is the same for every input."""
        self.count = self.count + 1
        return x * self.w

    def pair(self, carry: Any, x: Any) -> Any:
        """One step of a scan."""
        y = self(x)
        return carry + y.sum(), y


def state(module: Any) -> dict[str, Any]:
    """Return all data by path."""
    return {path: np.asarray(value) for path, value in module.state_dict().items()}


def assert_same(one: Any, other: Any) -> None:
    """Assert that two modules, or two trees of arrays, have the same data."""
    left = one if not isinstance(one, tx.Module) else state(one)
    right = other if not isinstance(other, tx.Module) else state(other)
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


X = jnp.array([[0.1, 0.2, 0.3], [1.0, -1.0, 0.5], [2.0, 0.0, 1.0], [0.3, 0.3, 0.3]])
