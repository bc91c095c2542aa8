"""A running average: two `State` nodes, and a method that is the same eagerly and compiled.

The average of everything seen so far needs a count and a total. Both change in place; the
function that uses them neither takes them as arguments nor returns them.
"""

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx


class Average(tx.Module):
    """The mean of all values that `update` was given."""

    count: jax.Array = tx.State.node()
    total: jax.Array = tx.State.node()

    def __init__(self):
        self.count = jnp.array(0)
        self.total = jnp.zeros(())

    def update(self, values):
        self.count += values.size
        self.total += values.sum()
        return self.total / self.count


def batches(seed=0, sizes=(4, 4, 4, 3)):
    """Return a few batches of numbers around 5; the last one is smaller."""
    rng = np.random.default_rng(seed)
    return [rng.normal(5.0, 2.0, size).astype("float32") for size in sizes]


def running_averages(update):
    """Return the average after each batch; `update` is the method, compiled or not."""
    return [float(update(batch)) for batch in batches()]


def main():
    average = Average()
    for mean in running_averages(tx.jit(average.update)):
        print(f"average so far: {mean:.4f}")
    print(f"{int(average.count)} values; NumPy says {np.concatenate(batches()).mean():.4f}")


if __name__ == "__main__":
    main()
