"""Dropout with a key of its own: randomness as state, the same eagerly and compiled.

JAX's random functions are pure: the same key gives the same numbers. A module that keeps its
key, splits it on every call and stores one half back gives new numbers every time, and nobody
has to pass keys around. Because the compiled call writes the new key back too, it goes through
the same masks as the eager one.
"""

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx


class Dropout(tx.Module):
    """Zeroes a fraction `rate` of the values, and scales the others so that the mean stays."""

    key: jax.Array = tx.Rng.node()

    def __init__(self, rate):
        self.rate = rate
        self.key = tx.Initializer(lambda key: key)  # `init(seed)` gives it a key

    def __call__(self, x):
        if not self.training:
            return x
        self.key, key = jax.random.split(self.key)
        keep = jax.random.bernoulli(key, 1 - self.rate, x.shape)
        return jnp.where(keep, x / (1 - self.rate), 0.0)


def masks(call, num_calls=3, size=12):
    """Call a dropout a few times with ones; the rows show which positions were kept."""
    ones = jnp.ones(size)
    return np.stack([np.asarray(call(ones) > 0) for _ in range(num_calls)])


def main():
    eager = Dropout(0.5).init(42)
    compiled = eager.copy()
    eager_masks, compiled_masks = masks(eager), masks(tx.jit(compiled))
    for row, same in zip(eager_masks, compiled_masks, strict=True):
        print("eager   ", *row.astype(int))
        print("compiled", *same.astype(int))
    print("in evaluation mode all are kept:", bool(masks(eager.eval()).all()))


if __name__ == "__main__":
    main()
