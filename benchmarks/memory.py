"""Does the compiled train step compute or hold more than one written by hand?

Compiles the train step of three networks (an MLP, the same with BatchNorm and Dropout, a small
convolutional network; Adam) in raw JAX, treexlite and, where they are installed, Flax NNX and
Equinox. Shows what the compiler says of each program: FLOPs as they were written and after
compilation, temporary bytes, and bytes at the peak (arguments, results and temporaries, what is
shared counted once); nothing is run or timed. The ratios are to raw JAX with the same donation.

    python benchmarks/memory.py
    python benchmarks/memory.py --network mlp --no-peers
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from contenders import Network, ours, peers, raw


class Cost(NamedTuple):
    """What the compiler says of one program: FLOPs before and after it, sizes in bytes."""

    written: float
    flops: float
    temporary: int
    peak: int


NETWORKS: dict[str, Network] = {
    "mlp": ((("linear", 256, 256), ("relu",)),) * 4 + ((("linear", 256, 10),),),
    "norm and dropout": ((("linear", 256, 256), ("norm", 256), ("relu",), ("dropout", 0.1)),) * 4
    + ((("linear", 256, 10),),),
    "convolutions": (
        (("conv", 3, 16), ("norm", 16), ("relu",), ("pool",)),
        (("conv", 16, 32), ("norm", 32), ("relu",), ("pool",)),
        (("flatten",), ("linear", 512, 10)),
    ),
}


def cost(lowered: Any) -> Cost:
    """Compile a program, and read its numbers."""
    compiled = lowered.compile()
    memory = compiled.memory_analysis()
    held = memory.argument_size_in_bytes + memory.output_size_in_bytes
    peak = held - memory.alias_size_in_bytes + memory.temp_size_in_bytes
    return Cost(_flops(lowered), _flops(compiled), memory.temp_size_in_bytes, peak)


def _flops(stage: Any) -> float:
    analysis = stage.cost_analysis()
    flops: float = (analysis[0] if isinstance(analysis, list) else analysis)["flops"]  # old JAX
    return flops


def costs(network: Network, with_peers: bool = False) -> dict[str, Cost]:
    """Return what each contender's train step costs."""
    rivals = peers() if with_peers else []
    return {
        name: cost(program)
        for contender in (raw, ours, *rivals)
        for name, program in contender.programs(network).items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--no-peers", action="store_true", help="leave flax and equinox out")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}; ratios in brackets")
    for name in options.network:
        print(f"\n{name:28} {'MFLOP':>12} {'compiled':>18} {'temporary kB':>18} {'peak kB':>18}")
        found = costs(NETWORKS[name], not options.no_peers)
        for contender, numbers in found.items():
            donates = "donate" in contender
            base = found["raw JAX, donated" if donates else "raw JAX"]
            columns = [
                f"{number / unit:10.{digits}f} ({number / reference:5.3f})"
                for number, reference, unit, digits in zip(
                    numbers, base, (1e6, 1e6, 1e3, 1e3), (3, 3, 1, 1), strict=True
                )
            ]
            print(f"  {contender:25} {' '.join(columns)}")


if __name__ == "__main__":
    main()
