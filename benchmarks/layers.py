"""Does a layer compute, hold or take more than the same layer of Flax NNX?

Compiles each layer of the table below, forward and forward with backward (the gradients of all
parameters and of the input), on both sides with plain `jax.jit` over lists of arrays: ours through
the state of the module, theirs through `nnx.split` and `nnx.merge`. So what a call costs beside its
arithmetic does not count; that is `dispatch.py`. Prints ratios of ours to theirs: FLOPs as written
and after compilation, temporary bytes, and time (median over rounds of the ratio within a round).
Needs flax.

    python benchmarks/layers.py
    python benchmarks/layers.py --row Linear "Conv 3x3" --rounds 100 --clock cpu
    python benchmarks/layers.py --quick

Norms are compared with NNX's exact variance, `mean((x - mean)²)`, which is ours; its default,
`mean(x²) - mean(x)²`, takes fewer operations and loses digits. Average pools leave the padding out.

The layers stand in `layer_rows.py`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
from flax import nnx
from layer_rows import ROWS, Row
from rounds import CLOCKS, interleaved

import treexlite as tx

Pure = Callable[[list[Any], list[Any], Any], tuple[Any, list[Any]]]
"""A layer as a function: (parameters, other state, x) to (y, other state afterwards)."""


class Side(NamedTuple):
    """A layer as a pure function, with its arrays."""

    pure: Pure
    parameters: list[Any]
    rest: list[Any]


def ours(row: Row) -> Side:
    """Return our layer."""
    model = row.ours().init(0, row.input()).train(row.training)
    names = list(model.state_dict(tx.Parameter))
    others = [name for name in model.state_dict() if name not in names]

    def pure(parameters: list[Any], rest: list[Any], x: Any) -> tuple[Any, list[Any]]:
        layer = model.copy()
        layer.load_state_dict(dict(zip([*names, *others], [*parameters, *rest], strict=True)))
        y = row.call(layer, x)
        after = layer.state_dict()
        return y, [after[name] for name in others]

    state = model.state_dict()
    return Side(pure, [state[name] for name in names], [state[name] for name in others])


def theirs(row: Row) -> Side:
    """Return the layer of NNX."""
    layer = row.theirs(nnx.Rngs(0))
    graph, parameters, rest = nnx.split(layer, nnx.Param, ...)
    flat, structure = jax.tree.flatten(parameters)
    other, other_structure = jax.tree.flatten(rest)

    def pure(parameters: list[Any], rest: list[Any], x: Any) -> tuple[Any, list[Any]]:
        states = structure.unflatten(parameters), other_structure.unflatten(rest)
        merged = nnx.merge(graph, *states)
        y = row.their_call(merged, x)
        return y, jax.tree.leaves(nnx.split(merged, nnx.Param, ...)[2])

    return Side(pure, flat, other)


def forward(side: Side) -> Callable[..., Any]:
    """Return the layer itself, as the function to compile."""
    return lambda parameters, rest, x, cotangent: side.pure(parameters, rest, x)


def backward(side: Side) -> Callable[..., Any]:
    """Return the layer with the gradients of its parameters and of a floating input."""

    def both(parameters: list[Any], rest: list[Any], x: Any, cotangent: Any) -> Any:
        if jnp.issubdtype(x.dtype, jnp.integer):
            f = lambda parameters: side.pure(parameters, rest, x)  # noqa: E731
            y, pull, after = jax.vjp(f, parameters, has_aux=True)
        else:
            f = lambda parameters, x: side.pure(parameters, rest, x)  # noqa: E731
            y, pull, after = jax.vjp(f, parameters, x, has_aux=True)
        return y, after, pull(cotangent)

    return both


DIRECTIONS: dict[str, Callable[[Side], Callable[..., Any]]] = {
    "forward": forward,
    "and backward": backward,
}


def arguments(row: Row, side: Side) -> tuple[Any, ...]:
    """Return what both functions are called with; the last is the gradient of the output."""
    given = side.parameters, side.rest, row.input()
    y, _ = jax.eval_shape(side.pure, *given)
    return (*given, jax.random.normal(jax.random.key(0), y.shape, y.dtype))


class Cost(NamedTuple):
    """What one program costs: FLOPs before and after compilation, temporary bytes."""

    written: float
    flops: float
    temporary: int


class Program(NamedTuple):
    """A program that is ready to run, and what it costs."""

    cost: Cost
    run: Callable[[], Any]


def written(row: Row, direction: str) -> tuple[float, float]:
    """Return the FLOPs of ours and theirs as they are written; nothing is compiled."""
    found = []
    for side in (ours(row), theirs(row)):
        found.append(_flops(jax.jit(DIRECTIONS[direction](side)).lower(*arguments(row, side))))
    return found[0], found[1]


def program(row: Row, side: Side, direction: str) -> Program:
    """Compile one side of a row."""
    given = arguments(row, side)
    jitted = jax.jit(DIRECTIONS[direction](side))
    lowered = jitted.lower(*given)
    compiled = lowered.compile()
    temporary = compiled.memory_analysis().temp_size_in_bytes
    cost = Cost(_flops(lowered), _flops(compiled), temporary)
    return Program(cost, lambda: jitted(*given))


def _flops(stage: Any) -> float:
    analysis = stage.cost_analysis()
    found = analysis[0] if isinstance(analysis, list) else analysis  # a list in old JAX
    return max(0.0, float(found.get("flops", 0.0)))  # -1 where nothing is computed


def ratio(one: float, other: float) -> float:
    """Return the ratio; that of nothing to nothing is 1."""
    return 1.0 if one == other else one / other if other else float("inf")


def report(row: Row, rounds: int, calls: int, clock: str) -> None:
    """Print the lines of one row."""
    for direction in DIRECTIONS:
        programs = {
            "NNX": program(row, theirs(row), direction),
            "treexlite": program(row, ours(row), direction),
        }
        pairs = zip(programs["treexlite"].cost, programs["NNX"].cost, strict=True)
        ratios = "".join(f"{ratio(*pair):10.3f}" for pair in pairs)
        runs = {name: each.run for name, each in programs.items()}
        timing = interleaved(runs, rounds, calls, clock)["treexlite"]
        print(
            f"  {row.name:28} {direction:12} {ratios}{timing.ratio:10.2f} {timing.median:10.0f}",
            flush=True,
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=3, help="in one turn")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    options = parser.parse_args(argv)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    print(f"\n{'ours / theirs':30} {'':12} {'written':>10}{'FLOPs':>10}{'temp':>10}", end="")
    print(f"{'time':>10} {'ours us':>10}")
    rounds, calls = (3, 1) if options.quick else (options.rounds, options.calls)
    for row in ROWS:
        if row.name in options.row:
            report(row, rounds, calls, options.clock)


if __name__ == "__main__":
    main()
