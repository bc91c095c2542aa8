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

A new layer is a row of `ROWS`: a name, ours, theirs, the input; and how to call them, when that is
not `layer(x)`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from rounds import CLOCKS, interleaved

import treexlite as tx
from treexlite import nn

FEATURES, STEPS, IMAGE = (256, 256), (16, 64, 128), (16, 32, 32, 32)


def call(layer: Any, x: Any) -> Any:
    """How most layers are called."""
    return layer(x)


@dataclass(frozen=True)
class Row:
    """A layer on both sides.

    Attributes:
        name: of the row.
        ours: builds our layer.
        theirs: builds that of NNX from its `Rngs`.
        shape: of the input; `IDS` for a table's row numbers below 1000.
        training: whether the layers are in training mode.
        call: how ours is called, `(layer, x) -> array`.
        their_call: how theirs is called.
    """

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[nnx.Rngs], Any]
    shape: tuple[int, ...]
    training: bool = True
    call: Callable[[Any, Any], Any] = call
    their_call: Callable[[Any, Any], Any] = call
    ids: bool = False

    def input(self) -> jax.Array:
        """Return a fixed input."""
        rng = np.random.default_rng(0)
        if self.ids:
            return jnp.asarray(rng.integers(0, 1000, self.shape))
        return jnp.asarray(rng.normal(size=self.shape), jnp.float32)


ROWS: tuple[Row, ...] = (
    Row("Linear", lambda: nn.Linear(512), lambda r: nnx.Linear(256, 512, rngs=r), FEATURES),
    Row(
        "Linear over steps, no bias",
        lambda: nn.Linear(256, use_bias=False),
        lambda r: nnx.Linear(128, 256, use_bias=False, rngs=r),
        STEPS,
    ),
    Row(
        "EinMix (LinearGeneral)",
        lambda: nn.EinMix("b t i -> b t h o", "i h o", "h o", h=8, o=32),
        lambda r: nnx.LinearGeneral(128, (8, 32), rngs=r),
        STEPS,
    ),
    Row(
        "EinMix (Einsum)",
        lambda: nn.EinMix("b t (h i) -> b t h o", "h i o", "h o", h=8, o=32),
        lambda r: nnx.Einsum("bthi,hio->btho", (8, 16, 32), (8, 32), rngs=r),
        STEPS,
        their_call=lambda layer, x: layer(x.reshape(*x.shape[:2], 8, 16)),
    ),
    Row(
        "Conv 3x3",
        lambda: nn.Conv(64, (3, 3)),
        lambda r: nnx.Conv(32, 64, (3, 3), rngs=r),
        IMAGE,
    ),
    Row(
        "Conv 3x3, strides 2",
        lambda: nn.Conv(64, (3, 3), strides=2, use_bias=False),
        lambda r: nnx.Conv(32, 64, (3, 3), strides=2, use_bias=False, rngs=r),
        IMAGE,
    ),
    Row(
        "Conv 1x1",
        lambda: nn.Conv(64, (1, 1)),
        lambda r: nnx.Conv(32, 64, (1, 1), rngs=r),
        IMAGE,
    ),
    Row(
        "Conv 3x3, depthwise",
        lambda: nn.Conv(32, (3, 3), groups=32),
        lambda r: nnx.Conv(32, 32, (3, 3), feature_group_count=32, rngs=r),
        IMAGE,
    ),
    Row(
        "Conv causal, dilation 2",
        lambda: nn.Conv(128, 3, padding="CAUSAL", dilation=2),
        lambda r: nnx.Conv(128, 128, (3,), padding="CAUSAL", kernel_dilation=2, rngs=r),
        STEPS,
    ),
    Row(
        "BatchNorm, training",
        lambda: nn.BatchNorm(),
        lambda r: nnx.BatchNorm(32, use_running_average=False, use_fast_variance=False, rngs=r),
        IMAGE,
    ),
    Row(
        "BatchNorm, evaluation",
        lambda: nn.BatchNorm(),
        lambda r: nnx.BatchNorm(32, use_running_average=True, rngs=r),
        IMAGE,
        training=False,
    ),
    Row(
        "LayerNorm",
        lambda: nn.LayerNorm(),
        lambda r: nnx.LayerNorm(128, use_fast_variance=False, rngs=r),
        STEPS,
    ),
    Row("Dropout", lambda: nn.Dropout(0.1), lambda r: nnx.Dropout(0.1, rngs=r), STEPS),
    Row(
        "Dropout, evaluation",
        lambda: nn.Dropout(0.1),
        lambda r: nnx.Dropout(0.1, deterministic=True, rngs=r),
        STEPS,
        training=False,
    ),
    Row(
        "Embed",
        lambda: nn.Embed(1000, 128),
        lambda r: nnx.Embed(1000, 128, rngs=r),
        STEPS[:2],
        ids=True,
    ),
    Row(
        "MaxPool",
        lambda: nn.MaxPool((2, 2)),
        lambda r: nnx.Sequential(lambda x: nnx.max_pool(x, (2, 2), (2, 2))),
        IMAGE,
    ),
    Row(
        "AvgPool",
        lambda: nn.AvgPool((3, 3), strides=2, padding="SAME"),
        lambda r: nnx.Sequential(lambda x: nnx.avg_pool(x, (3, 3), (2, 2), "SAME", False)),
        IMAGE,
    ),
    Row(
        "Sequential",
        lambda: nn.Sequential(nn.Linear(256), jax.nn.relu, nn.Linear(64)),
        lambda r: nnx.Sequential(
            nnx.Linear(256, 256, rngs=r), jax.nn.relu, nnx.Linear(256, 64, rngs=r)
        ),
        FEATURES,
    ),
)

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
    return side.pure


def backward(side: Side) -> Callable[..., Any]:
    """Return the layer with the gradients of its parameters and of a floating input."""

    def both(parameters: list[Any], rest: list[Any], x: Any) -> Any:
        if jnp.issubdtype(x.dtype, jnp.integer):
            f = lambda parameters: side.pure(parameters, rest, x)  # noqa: E731
            y, pull, after = jax.vjp(f, parameters, has_aux=True)
        else:
            f = lambda parameters, x: side.pure(parameters, rest, x)  # noqa: E731
            y, pull, after = jax.vjp(f, parameters, x, has_aux=True)
        return y, after, pull(jnp.ones_like(y))

    return both


DIRECTIONS: dict[str, Callable[[Side], Callable[..., Any]]] = {
    "forward": forward,
    "and backward": backward,
}


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
        arguments = side.parameters, side.rest, row.input()
        found.append(_flops(jax.jit(DIRECTIONS[direction](side)).lower(*arguments)))
    return found[0], found[1]


def program(row: Row, side: Side, direction: str) -> Program:
    """Compile one side of a row."""
    arguments = side.parameters, side.rest, row.input()
    jitted = jax.jit(DIRECTIONS[direction](side))
    lowered = jitted.lower(*arguments)
    compiled = lowered.compile()
    temporary = compiled.memory_analysis().temp_size_in_bytes
    cost = Cost(_flops(lowered), _flops(compiled), temporary)
    return Program(cost, lambda: jitted(*arguments))


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=3, help="in one turn")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    print(f"\n{'ours / theirs':30} {'':12} {'written':>10}{'FLOPs':>10}{'temp':>10}", end="")
    print(f"{'time':>10} {'ours us':>10}")
    rounds, calls = (3, 1) if options.quick else (options.rounds, options.calls)
    for row in ROWS:
        if row.name in options.row:
            report(row, rounds, calls, options.clock)


if __name__ == "__main__":
    main()
