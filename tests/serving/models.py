"""Small modules that are exported in these tests."""

import jax
import jax.numpy as jnp

import treexlite as tx

X = jnp.linspace(-1, 1, 6).reshape(2, 3)


class Counter(tx.Module):
    """Counts its calls, in an array and in a plain attribute if asked."""

    count: jax.Array = tx.State.node()
    seen: jax.Array = tx.MetricLog.node()

    def __init__(self, array: bool = True, plain: bool = False) -> None:
        self.count, self.seen = jnp.array(0), jnp.zeros(())
        self.array, self.plain, self.calls = array, plain, 0

    def __call__(self, x: jax.Array) -> jax.Array:
        self.seen = x.sum()
        if self.array:
            self.count = self.count + 1
        if self.plain:
            self.calls += 1
        return x + self.count


class Keyed(tx.Module):
    """Adds noise of a typed key, always the same, and multiplies with a weak number."""

    key: jax.Array = tx.Rng.node()
    scale: jax.Array = tx.Parameter.node()
    spare: jax.Array = tx.Parameter.node()

    def __init__(self) -> None:
        self.key = jax.random.key(7, impl="rbg")
        self.scale, self.spare = jnp.asarray(2.0), jnp.ones(5)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x * self.scale + jax.random.normal(self.key, (3,)).astype(x.dtype)


def linear() -> tx.nn.Linear:
    return tx.nn.Linear(2).init(0, X)
