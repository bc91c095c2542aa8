"""What do construction, initialisation and the verbs of a model cost?

Takes an MLP of Linear + BatchNorm + relu blocks (333 blocks are 1000 modules) apart and puts it
together again in treexlite and, where they are installed, Flax NNX and Equinox: construct,
initialise (compiled before), split by kind, keep the parameters, merge, copy, map, list by name,
walk over the modules, switch to evaluation. Each framework does what its users write; a verb that
it does not have is left out. The contenders are timed in turn; the tables show medians and the
fastest rounds in microseconds, and the ratios to treexlite (see `rounds.py`).

    python benchmarks/verbs.py
    python benchmarks/verbs.py --depth 30 --rounds 25 --verb copy merge
    python benchmarks/verbs.py --quick
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from contenders import Call, Network, batch, blocks, ours, peers
from rounds import CLOCKS, interleaved, report

import treexlite as tx

VERBS = (
    "construct one Linear",
    "construct",
    "construct and initialise",
    "split by kind",
    "parameters",
    "merge",
    "copy",
    "map",
    "by name",
    "modules",
    "evaluation mode",
)
Verbs = dict[str, Callable[[], Any]]


def same(leaf: Any) -> Any:
    return leaf


def plain_verbs() -> Verbs:
    """The attributes of a Linear in a class without a framework: the floor."""

    class Linear:
        def __init__(self, features: int, use_bias: bool = True, dtype: Any = None) -> None:
            self.features, self.use_bias, self.dtype = features, use_bias, dtype
            self.kernel = self.bias = None

    return {"construct one Linear": lambda: Linear(16)}


def ours_verbs(network: Network) -> Verbs:
    x, _ = batch(network)
    model = ours.modules(network)[0]
    params, rest = tx.partition(model, tx.Parameter)
    return {
        "construct one Linear": lambda: tx.nn.Linear(16),
        "construct": lambda: ours.Net(network),
        "construct and initialise": lambda: jax.block_until_ready(ours.Net(network).init(0, x)),
        "split by kind": lambda: tx.partition(model, tx.Parameter),
        "parameters": lambda: model.parameters(),
        "merge": lambda: tx.merge(params, rest),
        "copy": lambda: model.copy(),
        "map": lambda: model.map(same),
        "by name": lambda: model.state_dict(),
        "modules": lambda: list(model.modules()),
        "evaluation mode": lambda: model.eval(),
    }


def nnx_verbs(contender: ModuleType, network: Network) -> Verbs:
    nnx = contender.nnx
    model, rngs = contender.Net(network, nnx.Rngs(0)), nnx.Rngs(0)
    graph, *states = nnx.split(model, nnx.Param, ...)
    return {
        "construct one Linear": lambda: nnx.Linear(16, 16, rngs=rngs),
        "construct and initialise": lambda: jax.block_until_ready(
            nnx.state(contender.Net(network, nnx.Rngs(0)))
        ),
        "split by kind": lambda: nnx.split(model, nnx.Param, ...),
        "parameters": lambda: nnx.state(model, nnx.Param),
        "merge": lambda: nnx.merge(graph, *states),
        "copy": lambda: nnx.clone(model),
        "map": lambda: nnx.merge(graph, *jax.tree.map(same, nnx.split(model, nnx.Param, ...)[1:])),
        "by name": lambda: nnx.to_flat_state(nnx.state(model)),
        "modules": lambda: list(nnx.iter_modules(model)),
        "evaluation mode": lambda: model.eval(),
    }


def equinox_verbs(contender: ModuleType, network: Network) -> Verbs:
    eqx, key = contender.eqx, jax.random.key(0)
    build = eqx.nn.make_with_state(contender.Net)
    model = build(network)[0]
    params, rest = eqx.partition(model, eqx.is_inexact_array)
    return {
        "construct one Linear": lambda: eqx.nn.Linear(16, 16, key=key),
        "construct and initialise": lambda: jax.block_until_ready(
            eqx.filter(build(network)[0], eqx.is_array)
        ),
        "split by kind": lambda: eqx.partition(model, eqx.is_inexact_array),
        "parameters": lambda: eqx.filter(model, eqx.is_inexact_array),
        "merge": lambda: eqx.combine(params, rest),
        "copy": lambda: jax.tree.map(same, model),
        "map": lambda: jax.tree.map(same, model),
        "evaluation mode": lambda: eqx.nn.inference_mode(model),
    }


_PEERS = {"contenders.flax_nnx": nnx_verbs, "contenders.equinox_filter": equinox_verbs}


def contenders(depth: int, with_peers: bool) -> dict[str, Verbs]:
    """Return the verbs of each framework; treexlite comes first."""
    network = blocks(depth)
    found = {"treexlite": ours_verbs(network), "a plain class": plain_verbs()}
    for contender in peers() if with_peers else []:
        name = contender.__name__.removeprefix("contenders.")
        found[name] = _PEERS[contender.__name__](contender, network)
    return found


def _silent(verb: Callable[[], Any]) -> Call:
    """Return nothing, so that no time is spent on waiting for the arrays of the result."""

    def call() -> None:
        verb()

    return call


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=333, help="blocks; each is three modules")
    parser.add_argument("--verb", nargs="+", choices=VERBS, default=list(VERBS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a busy machine")
    parser.add_argument("--no-peers", action="store_true", help="leave flax and equinox out")
    parser.add_argument("--quick", action="store_true", help="two blocks, one round")
    options = parser.parse_args(arguments)
    depth, rounds = (2, 1) if options.quick else (options.depth, options.rounds)
    rivals = contenders(depth, not options.no_peers)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    for verb in options.verb:
        calls = {name: _silent(verbs[verb]) for name, verbs in rivals.items() if verb in verbs}
        repeat = 1 if options.quick else 200 if verb == "construct one Linear" else 1
        modules = 1 if verb == "construct one Linear" else 3 * depth + 1
        timings = interleaved(calls, rounds, repeat, options.clock)
        report(f"{verb} ({modules} module{'s' * (modules > 1)})", timings)


if __name__ == "__main__":
    main()
