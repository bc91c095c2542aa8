"""What do metrics and the optimizer cost inside a compiled train step?

Counts first. A train step of a small classifier is compiled without metrics, with metrics by hand
as one would write them (float32 sums), with metrics by hand that keep our promises (exact sums,
labels without a class and NaN seen), and with ours. The table shows FLOPs as they are written and
after compilation, how many arrays the step writes or returns, and how often it leaves the device.
A second table shows the update of each metric by itself. A third compares `tx.Optimizer` with raw
optax over a dict and with raw optax that changes modules in place, with the time of a call beside
its arithmetic (see `rounds.py`).

    python benchmarks/metrics.py
    python benchmarks/metrics.py --rounds 200 --clock cpu
    python benchmarks/metrics.py --quick
"""

from __future__ import annotations

import argparse
import functools
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import optax
from rounds import CLOCKS, interleaved, report

import treexlite as tx
from treexlite.metrics import _sums

BATCH, FEATURES, CLASSES, RATE = 256, 64, 10, 1e-3
State = dict[str, Any]


class Cost(NamedTuple):
    """What one program costs.

    Attributes:
        written: FLOPs before the compiler.
        compiled: FLOPs after it.
        outputs: arrays that the program writes or returns.
        transfers: instructions that call the host, or send it data, while the program runs.
    """

    written: float
    compiled: float
    outputs: int
    transfers: int


def cost(lowered: Any) -> Cost:
    """Compile a program, and read its numbers."""
    compiled = lowered.compile()
    outputs = lowered.out_tree.num_leaves
    return Cost(_flops(lowered), _flops(compiled), outputs, transfers(lowered.as_text()))


def transfers(text: str) -> int:
    """Count the callbacks, sends and feeds in the text of a lowered program."""
    return len(re.findall(r"callback|send|infeed|outfeed", text))


def _flops(stage: Any) -> float:
    analysis = stage.cost_analysis()
    found = analysis[0] if isinstance(analysis, list) else analysis  # a list in old JAX
    return max(0.0, float(found.get("flops", 0.0)))


# Metrics by hand: {name: (state, target, preds) -> state}, for float32 sums and for exact ones.


def _hits(target: jax.Array, preds: jax.Array) -> jax.Array:
    return (jnp.argmax(preds, axis=-1) == target).astype(jnp.float32)


def _guarded_hits(target: jax.Array, preds: jax.Array) -> jax.Array:
    """Hits, of which labels without a class make NaN, and predictions with a NaN are none."""
    is_nan = jnp.isnan(jnp.max(preds, axis=-1))
    right = ((jnp.argmax(preds, axis=-1) == target) & ~is_nan).astype(jnp.float32)
    return jnp.where((target >= 0) & (target < preds.shape[-1]), right, jnp.nan)


def _squares(target: jax.Array, preds: jax.Array) -> jax.Array:
    return jnp.square(preds - jax.nn.one_hot(target, CLASSES))


NAIVE = {"accuracy": _hits, "mean_squared_error": _squares, "mean": lambda target, preds: preds}
EXACT = {**NAIVE, "accuracy": _guarded_hits}


def naive_start() -> State:
    """Return float32 sums."""
    return {name: (jnp.zeros(()), jnp.zeros(())) for name in NAIVE}


def naive_update(state: State, names: Sequence[str], target: Any, preds: Any) -> State:
    """Add a batch to float32 sums."""
    new = {}
    for name in names:
        values = NAIVE[name](target, preds)
        total, count = state[name]
        new[name] = total + values.sum(), count + values.size
    return new


def exact_start() -> State:
    """Return exact sums."""
    return {name: (_sums.empty(), _sums.empty()) for name in EXACT}


def exact_update(state: State, names: Sequence[str], target: Any, preds: Any) -> State:
    """Add a batch to exact sums."""
    new = {}
    for name in names:
        values = EXACT[name](target, preds)
        total, count = state[name]
        count = _sums.add(count, _sums.of_ones(values.size))
        new[name] = _sums.add(total, _sums.of(values)), count
    return new


def our_metrics(names: Sequence[str]) -> tx.metrics.Metrics:
    """Return the same metrics of this library."""
    return tx.metrics.Metrics([tx.metrics.get(name) for name in names])


def our_update(metrics: tx.metrics.Metrics, target: Any, preds: Any) -> None:
    """Add a batch to our metrics; errors are those to the one-hot labels, as above."""
    for name, metric in metrics.metrics.items():
        is_error = name == "mean_squared_error"
        metric.update(jax.nn.one_hot(target, CLASSES) if is_error else target, preds)


# Train steps.


def batch() -> tuple[jax.Array, jax.Array]:
    """Return inputs and labels."""
    keys = jax.random.split(jax.random.key(0))
    x = jax.random.normal(keys[0], (BATCH, FEATURES))
    return x, jax.random.randint(keys[1], (BATCH,), 0, CLASSES)


def network(depth: int = 1) -> tx.Module:
    """Return an initialised classifier with some hidden layers."""
    return tx.nn.MLP((FEATURES,) * depth + (CLASSES,)).init(0, batch()[0])


def step_of(measure: Callable[[Any, Any, Any], None] | None) -> Callable[..., jax.Array]:
    """Return a train step of modules that measures its predictions."""

    def loss_fn(model: Any, x: jax.Array, y: jax.Array) -> Any:
        preds = model(x)
        return optax.softmax_cross_entropy_with_integer_labels(preds, y).mean(), preds

    def step(model: Any, optimizer: Any, metrics: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        (loss, preds), grads = tx.value_and_grad(loss_fn, has_aux=True)(model, x, y)
        optimizer.update(grads, model)
        if measure is not None:
            measure(metrics, y, preds)
        return loss

    return step


class Sums(tx.Module):
    """Holds the sums of metrics by hand."""

    state: State = tx.MetricState.node()

    def __init__(self, state: State) -> None:
        self.state = state


def by_hand(update: Callable[..., State]) -> Callable[[Sums, Any, Any], None]:
    """Return an update by hand as a function that writes to `Sums`."""

    def measure(sums: Sums, target: Any, preds: Any) -> None:
        sums.state = update(sums.state, list(NAIVE), target, preds)

    return measure


def train_steps() -> dict[str, Any]:
    """Return the lowered train steps."""
    model = network()
    optimizer = tx.Optimizer(optax.adam(RATE)).init(model)
    x, y = batch()
    contenders: dict[str, tuple[Any, Any]] = {
        "no metrics": (None, None),
        "by hand, float32 sums": (by_hand(naive_update), Sums(naive_start())),
        "by hand, exact sums": (by_hand(exact_update), Sums(exact_start())),
        "tx.metrics": (our_update, our_metrics(list(NAIVE))),
    }
    return {
        name: tx.jit(step_of(measure), donate=True).lower(model, optimizer, metrics, x, y)
        for name, (measure, metrics) in contenders.items()
    }


def updates(name: str) -> dict[str, Any]:
    """Return the lowered updates of one metric."""
    x, y = batch()
    preds = network()(x)
    naive = jax.jit(lambda state, y, preds: naive_update(state, [name], y, preds))
    exact = jax.jit(lambda state, y, preds: exact_update(state, [name], y, preds))
    return {
        "by hand, float32 sums": naive.lower(naive_start(), y, preds),
        "by hand, exact sums": exact.lower(exact_start(), y, preds),
        "tx.metrics": tx.jit(our_update).lower(our_metrics([name]), y, preds),
    }


# The optimizer.

RAW = "raw optax"


def raw_optimizer(depth: int = 1) -> tuple[Callable[..., Any], Any]:
    """Return a step of raw optax over a dict, which shrinks the parameters, and its state."""
    optimizer = optax.adam(RATE)
    params = dict(network(depth).state_dict())

    def step(state: Any) -> Any:
        params, opt_state, count = state
        changes, opt_state = optimizer.update(params, opt_state, params)  # as gradients of p² / 2
        return optax.apply_updates(params, changes), opt_state, count + 1

    return step, (params, optimizer.init(params), jnp.zeros((), jnp.int32))


def our_optimizer(depth: int = 1) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the same step of `tx.Optimizer`, and its arguments."""
    model = network(depth)
    optimizer = tx.Optimizer(optax.adam(RATE)).init(model)

    def step(model: Any, optimizer: Any) -> jax.Array:
        optimizer.update(model.parameters(), model)
        return optimizer.step

    return step, (model, optimizer)


class Held(tx.Module):
    """Holds the state of raw optax in fields, to tell `tx.jit` from `tx.Optimizer`."""

    opt_state: Any = tx.OptState.node()
    count: jax.Array = tx.OptState.node()

    def __init__(self, opt_state: Any) -> None:
        self.opt_state, self.count = opt_state, jnp.zeros((), jnp.int32)


def held_optimizer(depth: int = 1) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the same step of raw optax that changes modules in place, and its arguments."""
    model, optimizer = network(depth), optax.adam(RATE)

    def step(model: Any, held: Held) -> jax.Array:
        params = dict(model.state_dict())
        changes, held.opt_state = optimizer.update(params, held.opt_state, params)
        model.load_state_dict(optax.apply_updates(params, changes))
        held.count += 1
        return held.count

    return step, (model, Held(optimizer.init(dict(model.state_dict()))))


def optimizers() -> dict[str, Any]:
    """Return the lowered steps."""
    raw, state = raw_optimizer()
    lowered = {RAW: jax.jit(raw, donate_argnums=0).lower(state)}
    for name, of_depth in IN_PLACE.items():
        step, modules = of_depth()
        lowered[name] = tx.jit(step, donate=True).lower(*modules)
    return lowered


def calls(depth: int) -> dict[str, Callable[[], Any]]:
    """Return the steps as calls to be timed."""
    raw, state = raw_optimizer(depth)
    compiled = jax.jit(raw, donate_argnums=0)
    box = [state]

    def call() -> Any:
        box[0] = compiled(box[0])
        return box[0][2]

    found = {RAW: call}
    for name, of_depth in IN_PLACE.items():
        step, modules = of_depth(depth)
        found[name] = functools.partial(tx.jit(step, donate=True), *modules)
    return found


# What both modules cost more than the dict is the price of `tx.jit`; the rest is the optimizer's.
IN_PLACE = {"raw optax in modules": held_optimizer, "tx.Optimizer": our_optimizer}


def table(title: str, programs: dict[str, Any], base: str) -> None:
    """Print what each program costs, and its FLOPs as ratios to those of `base`."""
    costs = {name: cost(program) for name, program in programs.items()}
    print(f"\n{title:28} {'written':>18} {'compiled':>18} {'outputs':>8} {'transfers':>10}")
    for name, found in costs.items():
        written = f"{found.written:9.0f} ({found.written / costs[base].written:6.3f})"
        compiled = f"{found.compiled:9.0f} ({found.compiled / costs[base].compiled:6.3f})"
        print(f"  {name:26} {written:>18} {compiled:>18} {found.outputs:8} {found.transfers:10}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=30, help="in one turn")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a busy machine")
    parser.add_argument("--depth", type=int, nargs="+", default=[1, 20], help="of the optimizer")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores; FLOPs")
    table("train step", train_steps(), "no metrics")
    for name in NAIVE:
        table(name, updates(name), "by hand, exact sums")
    table("optimizer", optimizers(), RAW)
    rounds, number = (3, 3) if options.quick else (options.rounds, options.calls)
    for depth in options.depth:
        title = f"optimizer, {6 * depth + 8} arrays"
        report(title, interleaved(calls(depth), rounds, number, options.clock))


if __name__ == "__main__":
    main()
