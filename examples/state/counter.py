"""A counter: what a compiled method writes to `self` is still there after the call.

Two counters count to three under `tx.jit`. One keeps its number in a `State` node: it is data,
so one compiled program serves every number. The other keeps a plain int: it is part of the
program's structure, so it counts just as well, and every new number compiles a new program.
"""

import jax
import jax.numpy as jnp

import treexlite as tx


class Counter(tx.Module):
    """Counts in an array. `State` says that the module changes it, and that gradients do not."""

    n: jax.Array = tx.State.node()

    def __init__(self):
        self.n = jnp.array(0)

    def count(self):
        self.n += 1
        return self.n


class PlainCounter(tx.Module):
    """The same with an ordinary Python number."""

    def __init__(self):
        self.n = 0

    def count(self):
        self.n += 1
        return self.n


def main():
    for counter in (Counter(), PlainCounter()):
        fast_count = tx.jit(counter.count)
        counts = [int(fast_count()) for _ in range(3)]
        print(f"{type(counter).__name__} counted {counts}, and holds n={int(counter.n)};")
        print(f"  the method was traced {fast_count.cache_size()} time(s)")


if __name__ == "__main__":
    main()
