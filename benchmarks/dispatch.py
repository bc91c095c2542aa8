"""What does a call cost beside its arithmetic?

Times one train step (forward, gradients, Adam) of an MLP of Linear + BatchNorm + relu blocks, width
32, batch 32, in one process: raw JAX over a dict and over a flat list of arrays, treexlite under
`tx.jit` and under plain `jax.jit`, and, where they are installed, `flax.nnx` and `equinox`. Every
contender is timed in turn, several rounds, so that noise hits all alike; the table shows the median
and its ratio to the raw dict.

    python benchmarks/dispatch.py                # depths 5 and 50
    python benchmarks/dispatch.py --depth 5 --rounds 15
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import optax

import treexlite as tx

WIDTH, BATCH, RATE, MOMENTUM, EPSILON = 32, 32, 1e-3, 0.99, 1e-5
Step = Callable[[], Any]


def data() -> tuple[jax.Array, jax.Array]:
    """Return a fixed batch, `x` and `y` of shape (BATCH, WIDTH)."""
    rng = np.random.default_rng(0)
    draw = lambda: jnp.asarray(rng.normal(size=(BATCH, WIDTH)), jnp.float32)  # noqa: E731
    return draw(), draw()


# raw JAX


def raw_params(depth: int) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Return parameters and running statistics as flat dicts."""
    rng = np.random.default_rng(1)
    params, stats = {}, {}
    for i in range(depth):
        kernel = rng.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5
        params[f"{i}/kernel"] = jnp.asarray(kernel, jnp.float32)
        params[f"{i}/bias"] = jnp.zeros(WIDTH)
        params[f"{i}/scale"] = jnp.ones(WIDTH)
        params[f"{i}/offset"] = jnp.zeros(WIDTH)
        stats[f"{i}/mean"] = jnp.zeros(WIDTH)
        stats[f"{i}/var"] = jnp.ones(WIDTH)
    return params, stats


def raw_loss(params: Any, stats: Any, x: jax.Array, y: jax.Array, depth: int) -> Any:
    """Return the loss and the new statistics."""
    new = {}
    for i in range(depth):
        x = x @ params[f"{i}/kernel"] + params[f"{i}/bias"]
        mean, square = x.mean(0), jnp.square(x).mean(0)
        var = jnp.maximum(0.0, square - jnp.square(mean))
        new[f"{i}/mean"] = MOMENTUM * stats[f"{i}/mean"] + (1 - MOMENTUM) * mean
        new[f"{i}/var"] = MOMENTUM * stats[f"{i}/var"] + (1 - MOMENTUM) * var
        scale = jax.lax.rsqrt(var + EPSILON) * params[f"{i}/scale"]
        x = jax.nn.relu((x - mean) * scale + params[f"{i}/offset"])
    return jnp.square(x - y).mean(), new


def raw_dict(depth: int, donate: bool = True) -> Step:
    """The train step over dicts of arrays."""
    params, stats = raw_params(depth)
    optimizer = optax.adam(RATE)
    state = (params, stats, optimizer.init(params))
    x, y = data()

    def step(state: Any, x: jax.Array, y: jax.Array) -> Any:
        params, stats, opt_state = state
        grad = jax.value_and_grad(raw_loss, has_aux=True)
        (loss, stats), grads = grad(params, stats, x, y, depth)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), stats, opt_state), loss

    return _stateful(jax.jit(step, donate_argnums=0 if donate else ()), state, x, y)


def raw_list(depth: int) -> Step:
    """The same over one flat list."""
    params, stats = raw_params(depth)
    optimizer = optax.adam(RATE)
    leaves, treedef = jax.tree_util.tree_flatten((params, stats, optimizer.init(params)))
    x, y = data()

    def step(leaves: Any, x: jax.Array, y: jax.Array) -> Any:
        params, stats, opt_state = jax.tree_util.tree_unflatten(treedef, leaves)
        grad = jax.value_and_grad(raw_loss, has_aux=True)
        (loss, stats), grads = grad(params, stats, x, y, depth)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        new = (optax.apply_updates(params, updates), stats, opt_state)
        return jax.tree_util.tree_leaves(new), loss

    return _stateful(jax.jit(step, donate_argnums=0), leaves, x, y)


def _stateful(step: Callable[..., Any], state: Any, x: jax.Array, y: jax.Array) -> Step:
    box = [state]

    def call() -> Any:
        box[0], loss = step(box[0], x, y)
        return loss

    return call


# treexlite


class Block(tx.Module):
    def __init__(self) -> None:
        self.linear = tx.nn.Linear(WIDTH)
        self.norm = tx.nn.BatchNorm(momentum=MOMENTUM, epsilon=EPSILON)

    def __call__(self, x: jax.Array) -> jax.Array:
        return jax.nn.relu(self.norm(self.linear(x)))


class Net(tx.Module):
    def __init__(self, depth: int) -> None:
        self.blocks = [Block() for _ in range(depth)]

    def __call__(self, x: jax.Array) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        return x


def tx_loss(model: Net, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.square(model(x) - y).mean()


def tx_step(model: Net, optimizer: tx.Optimizer, x: jax.Array, y: jax.Array) -> jax.Array:
    """The train step in place: this is all that a user writes."""
    loss, grads = tx.value_and_grad(tx_loss)(model, x, y)
    optimizer.update(grads, model)
    return loss


def tx_modules(depth: int) -> tuple[Net, tx.Optimizer]:
    model = Net(depth).init(0, data()[0])
    return model, tx.Optimizer(optax.adam(RATE)).init(model)


def tx_jit(depth: int, donate: bool = True) -> Step:
    """`tx.jit` over the modules."""
    model, optimizer = tx_modules(depth)
    x, y = data()
    step = tx.jit(tx_step, donate=donate)
    return lambda: step(model, optimizer, x, y)


def tx_plain_jit(depth: int) -> Step:
    """Plain `jax.jit`: modules go in and come out as PyTrees."""

    def step(state: Any, x: jax.Array, y: jax.Array) -> Any:
        return state, tx_step(*state, x, y)

    return _stateful(jax.jit(step, donate_argnums=0), tx_modules(depth), *data())


# peers


def nnx_steps(depth: int) -> dict[str, Step]:
    """`nnx.jit` and `nnx.cached_partial`, or nothing when flax is absent."""
    try:
        from flax import nnx
    except ImportError:
        return {}

    class NnxNet(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            blocks = [
                (nnx.Linear(WIDTH, WIDTH, rngs=rngs), nnx.BatchNorm(WIDTH, rngs=rngs))
                for _ in range(depth)
            ]
            self.linears = nnx.List([linear for linear, _ in blocks])
            self.norms = nnx.List([norm for _, norm in blocks])

        def __call__(self, x: jax.Array) -> jax.Array:
            for linear, norm in zip(self.linears, self.norms, strict=True):
                x = jax.nn.relu(norm(linear(x)))
            return x

    def step(model: Any, optimizer: Any, x: jax.Array, y: jax.Array) -> Any:
        loss, grads = nnx.value_and_grad(tx_loss)(model, x, y)
        optimizer.update(model, grads)
        return loss

    def modules() -> tuple[Any, Any]:
        model = NnxNet(nnx.Rngs(0))
        return model, nnx.Optimizer(model, optax.adam(RATE), wrt=nnx.Param)

    x, y = data()
    model, optimizer = modules()
    jitted = nnx.jit(step)
    cached = nnx.cached_partial(nnx.jit(step), *modules())
    return {
        "nnx.jit": lambda: jitted(model, optimizer, x, y),
        "nnx.cached_partial": lambda: cached(x, y),
    }


def eqx_steps(depth: int) -> dict[str, Step]:
    """`eqx.filter_jit`, or nothing when equinox is absent."""
    try:
        import equinox as eqx
    except ImportError:
        return {}

    class EqxNet(eqx.Module):
        linears: list[Any]
        norms: list[Any]

        def __init__(self) -> None:
            keys = jax.random.split(jax.random.key(0), depth)
            self.linears = [eqx.nn.Linear(WIDTH, WIDTH, key=key) for key in keys]
            self.norms = [
                eqx.nn.BatchNorm(WIDTH, "batch", mode="batch", momentum=MOMENTUM)
                for _ in range(depth)
            ]

        def __call__(self, x: jax.Array, state: Any) -> Any:
            for linear, norm in zip(self.linears, self.norms, strict=True):
                x, state = norm(linear(x), state)
                x = jax.nn.relu(x)
            return x, state

    model, norm_state = eqx.nn.make_with_state(EqxNet)()
    optimizer = optax.adam(RATE)
    opt_state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))

    def loss_fn(model: Any, state: Any, x: jax.Array, y: jax.Array) -> Any:
        run = jax.vmap(model, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
        preds, state = run(x, state)
        return jnp.square(preds - y).mean(), state

    @eqx.filter_jit(donate="all-except-first")
    def step(batch: Any, state: Any) -> Any:
        model, norm_state, opt_state = state
        grad = eqx.filter_value_and_grad(loss_fn, has_aux=True)
        (loss, norm_state), grads = grad(model, norm_state, *batch)
        updates, opt_state = optimizer.update(grads, opt_state, model)
        return (eqx.apply_updates(model, updates), norm_state, opt_state), loss

    return {
        "eqx.filter_jit": _stateful(
            lambda state, x, y: step((x, y), state), (model, norm_state, opt_state), *data()
        )
    }


# timing


def measure(steps: dict[str, Step], rounds: int, calls: int) -> dict[str, float]:
    """Return the median microseconds of a call of each contender."""
    for step in steps.values():
        for _ in range(3):
            jax.block_until_ready(step())
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(calls):
                out = step()
            jax.block_until_ready(out)
            times[name].append((time.perf_counter() - start) / calls * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, nargs="+", default=[5, 50])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-peers", action="store_true", help="leave flax and equinox out")
    arguments = parser.parse_args()
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    for depth in arguments.depth:
        steps: dict[str, Step] = {
            "raw jax.jit, dict, donated": raw_dict(depth),
            "raw jax.jit, dict, not donated": raw_dict(depth, donate=False),
            "raw jax.jit, flat list, donated": raw_list(depth),
            "tx.jit(donate=True)": tx_jit(depth),
            "tx.jit": tx_jit(depth, donate=False),
            "jax.jit, modules in and out": tx_plain_jit(depth),
        }
        if not arguments.no_peers:
            steps |= nnx_steps(depth) | eqx_steps(depth)
        medians = measure(steps, arguments.rounds, calls=max(10, 1000 // depth))
        base = next(iter(medians.values()))
        print(f"\ndepth {depth}: train step, {14 * depth + 1} leaves of state")
        for name, median in medians.items():
            print(f"  {name:34} {median:9.0f} us   {median / base:6.2f} x")


if __name__ == "__main__":
    main()
