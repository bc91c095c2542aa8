"""What do tracing and compiling cost?

Takes an MLP of Linear + BatchNorm + relu blocks, width 32, with Adam. Initialisation: seconds of
the first one of a structure (trace, compile and run) and of a second one, as users write it: op by
op in raw JAX, one call of `init` in treexlite, by construction in Flax NNX and Equinox. Train step:
seconds to trace and to compile it, and how many equations the program has, those of inner programs
included. A network of one block comes first, so that what every depth needs is there already.
Ratios are to raw JAX.

    python benchmarks/compile.py                      # depths 5, 50 and 200; many minutes
    python benchmarks/compile.py --depth 50 --no-compile
    python benchmarks/compile.py --quick
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
from contenders import Network, batch, blocks, ours, peers, raw
from rounds import CLOCKS

import treexlite as tx


class Step(NamedTuple):
    """What a train step costs before it runs; `compiled` is None when it was not compiled."""

    traced: float
    equations: int
    compiled: float | None


class Stopwatch:
    """Seconds of a call, by the chosen clock."""

    def __init__(self, clock: str) -> None:
        self.now = CLOCKS[clock]

    def __call__(self, call: Callable[[], Any]) -> tuple[float, Any]:
        start = self.now()
        out = jax.block_until_ready(call())
        return self.now() - start, out


class _Held:
    """Keeps JAX from waiting for something that is no array."""

    def __init__(self, value: Any) -> None:
        self.value = value


# initialisation


def raw_init(network: Network) -> Any:
    """Draw every array by itself, as scripts do."""
    kernel_init = jax.nn.initializers.lecun_normal()
    key, arrays = jax.random.PRNGKey(0), {}
    for i, block in enumerate(network):
        for j, (layer, *sizes) in enumerate(block):
            if layer == "linear":
                kernel_key = jax.random.fold_in(key, i)
                arrays[f"{i}/{j}/kernel"] = kernel_init(kernel_key, sizes)
                arrays[f"{i}/{j}/bias"] = jnp.zeros(sizes[1])
            elif layer == "norm":
                for name, make in (("scale", jnp.ones), ("bias", jnp.zeros)):
                    arrays[f"{i}/{j}/{name}"] = make(sizes)
                for name, make in (("mean", jnp.zeros), ("var", jnp.ones)):
                    arrays[f"{i}/{j}/{name}"] = make(sizes)
    return arrays


def inits(network: Network, with_peers: bool) -> dict[str, Callable[[], Any]]:
    """Return what each contender writes to get an initialised model."""
    x, _ = batch(network)
    found = {
        "raw JAX, op by op": lambda: raw_init(network),
        "treexlite": lambda: ours.Net(network).init(0, x),
    }
    for peer in peers() if with_peers else []:
        name = peer.__name__.removeprefix("contenders.")
        found[name] = functools.partial(_PEER_INITS[name], peer, network)
    return found


def nnx_init(peer: ModuleType, network: Network) -> Any:
    return peer.nnx.state(peer.Net(network, peer.nnx.Rngs(0)))


def equinox_init(peer: ModuleType, network: Network) -> Any:
    model, _ = peer.eqx.nn.make_with_state(peer.Net)(network)
    return peer.eqx.filter(model, peer.eqx.is_array)


_PEER_INITS = {"flax_nnx": nnx_init, "equinox_filter": equinox_init}


# the train step


def steps(network: Network, with_peers: bool) -> dict[str, Callable[[], Any]]:
    """Return for each contender a function that traces its train step anew."""
    data = batch(network)
    state = raw.init(network)
    modules = ours.modules(network)
    found: dict[str, Callable[[], Any]] = {
        "raw JAX": lambda: jax.jit(raw.train_step(network)).trace(state, *data),
        "treexlite": lambda: tx.jit(_anew(ours.train)).trace(*modules, *data),
    }
    for peer in peers() if with_peers else []:
        if hasattr(peer, "nnx"):
            found["flax_nnx"] = functools.partial(nnx_trace, peer, peer.modules(network), data)
    return found


def nnx_trace(peer: ModuleType, objects: Any, data: Any) -> Any:
    return peer.nnx.jit(_anew(peer.train)).trace(*objects, *data).traced


def _anew(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that nothing has cached yet."""
    return lambda *arguments: step(*arguments)


def equations(jaxpr: Any) -> int:
    """Count the equations of a jaxpr and of all jaxprs in it."""
    inner = [
        value
        for equation in jaxpr.eqns
        for parameter in equation.params.values()
        for value in (parameter if isinstance(parameter, (tuple, list)) else [parameter])
    ]
    return len(jaxpr.eqns) + sum(
        equations(getattr(value, "jaxpr", value))
        for value in inner
        if hasattr(getattr(value, "jaxpr", value), "eqns")
    )


def step_costs(
    network: Network, with_peers: bool, with_compile: bool, repeat: int, clock: str
) -> dict[str, Step]:
    """Trace each step in turn, `repeat` times, and compile it once."""
    watch = Stopwatch(clock)
    contenders = steps(network, with_peers)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    traced: dict[str, Any] = {}
    for _ in range(repeat):
        for name, trace in contenders.items():
            seconds, traced[name] = watch(lambda trace=trace: _Held(trace()))
            times[name].append(seconds)
    found = {}
    for name, held in traced.items():
        compiled = None
        if with_compile:
            compiled, _ = watch(lambda held=held: _Held(held.value.lower().compile()))
        found[name] = Step(min(times[name]), equations(held.value.jaxpr), compiled)
    return found


def report_init(depth: int, network: Network, with_peers: bool, clock: str) -> None:
    watch = Stopwatch(clock)
    rows = {name: [watch(i)[0] for _ in range(2)] for name, i in inits(network, with_peers).items()}
    report(f"initialisation, depth {depth}", {"first s": ".3f", "second s": ".3f"}, rows)


def report_steps(depth: int, costs: dict[str, Step]) -> None:
    columns = {"trace s": ".3f", "equations": ".0f", "compile s": ".3f"}
    report(f"train step, depth {depth}", columns, costs)


def report(title: str, columns: dict[str, str], rows: Mapping[str, Sequence[Any]]) -> None:
    """Print a table with ratios to the first row; None is left out."""
    print(f"\n{title:30} " + " ".join(f"{column:>18}" for column in columns))
    base = next(iter(rows.values()))
    for name, row in rows.items():
        cells = [
            f"{'-':>18}" if value is None else f"{value:9{form}} {value / first:6.2f} x"
            for value, first, form in zip(row, base, columns.values(), strict=True)
        ]
        print(f"  {name:28} {' '.join(cells)}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, nargs="+", default=[5, 50, 200])
    parser.add_argument(
        "--repeat", type=int, default=3, help="traces of each step; the best counts"
    )
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a busy machine")
    parser.add_argument("--no-compile", action="store_true", help="trace the steps only")
    parser.add_argument("--no-peers", action="store_true", help="leave flax and equinox out")
    parser.add_argument("--quick", action="store_true", help="two blocks, traced once")
    options = parser.parse_args(arguments)
    depths, repeat = ([2], 1) if options.quick else (options.depth, options.repeat)
    with_peers = not options.no_peers
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    for init in inits(blocks(1), with_peers).values():
        jax.block_until_ready(init())  # what a library compiles once is not asked for here
    for depth in depths:
        report_init(depth, blocks(depth), with_peers, options.clock)
        report_steps(
            depth,
            step_costs(blocks(depth), with_peers, not options.no_compile, repeat, options.clock),
        )


if __name__ == "__main__":
    main()
