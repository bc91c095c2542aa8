"""treexlite: modules under `tx.jit`, and under plain `jax.jit` as PyTrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

import treexlite as tx
from contenders import EPSILON, MOMENTUM, RATE, Call, Network, batch, blocks, stateful

_LAYERS: dict[str, Callable[..., Any]] = {
    "linear": lambda n_in, n_out: tx.nn.Linear(n_out),
    "conv": lambda n_in, n_out: tx.nn.Conv(n_out, (3, 3)),
    "norm": lambda n: tx.nn.BatchNorm(momentum=MOMENTUM, epsilon=EPSILON),
    "dropout": tx.nn.Dropout,
    "relu": lambda: jax.nn.relu,
    "pool": lambda: tx.nn.MaxPool((2, 2)),
    "flatten": tx.nn.Flatten,
}


class Net(tx.Module):
    def __init__(self, network: Network) -> None:
        self.blocks = [tx.nn.Sequential(*map(_layer, block)) for block in network]

    def __call__(self, x: jax.Array) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        return x


def _layer(description: tuple[Any, ...]) -> Any:
    name, *sizes = description
    return _LAYERS[name](*sizes)


def _loss(model: Net, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.square(model(x) - y).mean()


def train(model: Net, optimizer: tx.Optimizer, x: jax.Array, y: jax.Array) -> jax.Array:
    loss, grads = tx.value_and_grad(_loss)(model, x, y)
    optimizer.update(grads, model)
    return loss


def bump(model: Net, optimizer: tx.Optimizer, x: jax.Array, y: jax.Array) -> jax.Array:
    optimizer.step += 1
    return optimizer.step


def read(model: Net, optimizer: tx.Optimizer, x: jax.Array, y: jax.Array) -> jax.Array:
    return optimizer.step + 1


def modules(network: Network) -> tuple[Net, tx.Optimizer]:
    """Return an initialised model and its optimizer."""
    model = Net(network).init(0, batch(network)[0])
    return model, tx.Optimizer(optax.adam(RATE)).init(model)


def calls(question: str, depth: int) -> dict[str, Call]:
    """Return the contenders."""
    network = blocks(depth)
    x, y = batch(network)
    if question == "forward":
        model = modules(network)[0].eval()
        call, plain = tx.jit(Net.__call__), jax.jit(Net.__call__)
        return {
            "tx.jit": lambda: call(model, x),
            "jax.jit, modules in": lambda: plain(model, x),
        }
    if question == "read only":
        here = modules(network)
        compiled, plain = tx.jit(read), jax.jit(read)
        return {
            "tx.jit": lambda: compiled(*here, x, y),
            "jax.jit, modules in": lambda: plain(*here, x, y),
        }
    step = train if question == "train step" else bump

    def pure(state: Any, x: jax.Array, y: jax.Array) -> Any:
        return state, step(*state, x, y)

    return {
        "tx.jit(donate=True)": _in_place(tx.jit(step, donate=True), network),
        "tx.jit": _in_place(tx.jit(step), network),
        "jax.jit, modules in and out, donated": stateful(
            jax.jit(pure, donate_argnums=0), modules(network), x, y
        ),
    }


def _in_place(step: Callable[..., Any], network: Network) -> Call:
    model, optimizer = modules(network)
    x, y = batch(network)
    return lambda: step(model, optimizer, x, y)


def programs(network: Network) -> dict[str, Any]:
    """Return the lowered train step, with and without donation."""
    arguments = (*modules(network), *batch(network))
    return {
        "tx.jit(donate=True)": tx.jit(train, donate=True).lower(*arguments),
        "tx.jit": tx.jit(train).lower(*arguments),
    }
