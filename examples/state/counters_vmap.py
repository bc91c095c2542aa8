"""Modules under plain `jax.vmap`: a state for each lane, or one state for all of them.

A module is a PyTree, so `in_axes` speaks about its arrays. With axis 0 every array has one row
for each lane: a batch of modules. With `None` all lanes see the same module; it can come out
again with `out_axes=None` as long as what was written to it is the same in every lane.
"""

import jax
import jax.numpy as jnp

import treexlite as tx


class Counter(tx.Module):
    """Counts, in steps of its own."""

    n: jax.Array = tx.State.node()
    step: jax.Array = tx.State.node()

    def __init__(self, step=1):
        self.n = jnp.array(0)
        self.step = jnp.asarray(step)

    def count(self):
        self.n += self.step
        return self.n


class Scale(tx.Module):
    """y = scale * x, and how often it was called."""

    scale: jax.Array = tx.Parameter.node()
    calls: jax.Array = tx.State.node()

    def __init__(self, scale):
        self.scale = jnp.asarray(scale)
        self.calls = jnp.array(0)

    def __call__(self, x):
        self.calls += 1
        return self.scale * x


def count(counter):
    """Count once; the counter is returned because plain JAX keeps only what is returned."""
    n = counter.count()
    return n, counter


def call(model, x):
    y = model(x)
    return y, model


def many_counters(steps, num_counts):
    """Make one counter for each step, let all of them count, and return them as one module."""
    counters = jax.vmap(Counter)(jnp.asarray(steps))
    for _ in range(num_counts):
        _, counters = jax.vmap(count)(counters)
    return counters


def shared_model(scale, xs):
    """Return `scale * x` for each row of `xs`, and the one model that all lanes called."""
    mapped = jax.vmap(call, in_axes=(None, 0), out_axes=(0, None))
    return mapped(Scale(scale), jnp.asarray(xs))


def main():
    counters = many_counters(steps=[1, 10, 100], num_counts=3)
    print(f"three counters, three counts: n = {counters.n}")
    ys, model = shared_model(2.0, [[1.0, 2.0], [3.0, 4.0]])
    print(f"one model, two lanes: y = {ys.tolist()}, calls = {int(model.calls)}")


if __name__ == "__main__":
    main()
