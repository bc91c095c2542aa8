"""Does a deep network take longer to trace and to compile than a shallow one?

Takes equal blocks of Linear + LayerNorm + tanh, width 32, one after the other: a `Sequential` of
blocks, which is traced block by block, and `nn.Repeated`, which is traced once, with and without
rematerialisation. Prints the seconds to trace and to compile the gradients, and how many equations
the program has. Ratios are to the shallowest network of the same kind.

    python benchmarks/repeated.py                     # 4, 16 and 64 blocks
    python benchmarks/repeated.py --depth 4 256 --kind repeated
    python benchmarks/repeated.py --quick
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp

import treexlite as tx

WIDTH, BATCH = 32, 16


class Block(tx.Module):
    def __init__(self) -> None:
        self.linear, self.norm = tx.nn.Linear(WIDTH), tx.nn.LayerNorm()

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + jnp.tanh(self.norm(self.linear(x)))


KINDS: dict[str, Callable[[int], tx.Module]] = {
    "sequential": lambda depth: tx.nn.Sequential(*[Block() for _ in range(depth)]),
    "repeated": lambda depth: tx.nn.Repeated(Block(), depth),
    "repeated, remat": lambda depth: tx.nn.Repeated(Block(), depth, remat=True),
}


class Cost(NamedTuple):
    """What the gradients of one network cost before they run."""

    traced: float
    compiled: float
    equations: int


def cost(kind: str, depth: int) -> Cost:
    """Trace and compile the gradients of a network, both for the first time."""
    x = jnp.ones((BATCH, WIDTH))
    model: Any = KINDS[kind](depth).init(0, x)
    gradients = tx.jit(tx.grad(lambda model, x: jnp.square(model(x)).mean()))
    jax.clear_caches()
    start = time.perf_counter()
    traced = gradients.trace(model, x)
    between = time.perf_counter()
    traced.lower().compile()
    done = time.perf_counter()
    return Cost(between - start, done - between, str(traced.jaxpr).count(" = "))


def report(kind: str, depths: Sequence[int]) -> None:
    """Print one table."""
    costs = [cost(kind, depth) for depth in depths]
    print(f"\n{kind:24s}{'trace s':>12s}{'compile s':>16s}{'equations':>20s}")
    first = costs[0]
    for depth, this in zip(depths, costs, strict=True):
        cells = [
            f"{this.traced:9.3f} {this.traced / first.traced:5.1f}x",
            f"{this.compiled:9.3f} {this.compiled / first.compiled:5.1f}x",
            f"{this.equations:10d} {this.equations / first.equations:5.1f}x",
        ]
        print(f"  {depth:3d} blocks      {'   '.join(cells)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--quick", action="store_true", help="1 and 2 blocks")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    cost(options.kind[0], 1)  # what every network needs is loaded once
    for kind in options.kind:
        report(kind, [1, 2] if options.quick else options.depth)


if __name__ == "__main__":
    main()
