"""What does a call cost beside its arithmetic?

Asks four questions of an MLP of Linear + BatchNorm + relu blocks, width 32, batch 32, Adam: a step
that only counts itself (empty), one that writes nothing (read only), inference (forward), and a
train step. The contenders are raw JAX, treexlite and, where they are installed, Flax NNX and
Equinox. They are timed in turn, in many short rounds; the tables show medians and the fastest
rounds in microseconds, and the ratios to the first line (see `rounds.py`).

    python benchmarks/dispatch.py                           # depths 5 and 50
    python benchmarks/dispatch.py --depth 200 --rounds 15
    python benchmarks/dispatch.py --question "train step" --no-peers
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from contenders import QUESTIONS, Call, ours, peers, raw
from rounds import CLOCKS, interleaved, report


def contenders(question: str, depth: int, with_peers: bool) -> dict[str, Call]:
    """Return every contender for a question; raw JAX over a dict comes first."""
    rivals = peers() if with_peers else []
    return {
        name: call
        for contender in (raw, ours, *rivals)
        for name, call in contender.calls(question, depth).items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, nargs="+", default=[5, 50])
    parser.add_argument("--question", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--calls", type=int, help="calls per round; fewer for deeper networks")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a busy machine")
    parser.add_argument("--no-peers", action="store_true", help="leave flax and equinox out")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    for depth in options.depth:
        calls = options.calls or max(4, 200 // depth)
        for question in options.question:
            rivals = contenders(question, depth, not options.no_peers)
            timings = interleaved(rivals, options.rounds, calls, options.clock)
            arrays = (6 if question == "forward" else 14) * depth
            report(f"{question}, depth {depth} ({arrays} arrays)", timings)


if __name__ == "__main__":
    main()
