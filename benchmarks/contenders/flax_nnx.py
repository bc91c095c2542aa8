"""Flax NNX: `nnx.jit`, `nnx.cached_partial` and, where this flax has it, `nnx.jit_partial`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from contenders import EPSILON, MOMENTUM, RATE, Call, Network, batch, blocks

_LAYERS: dict[str, Callable[..., Any]] = {
    "linear": nnx.Linear,
    "conv": lambda n_in, n_out, rngs: nnx.Conv(n_in, n_out, (3, 3), rngs=rngs),
    "norm": lambda n, rngs: nnx.BatchNorm(n, momentum=MOMENTUM, epsilon=EPSILON, rngs=rngs),
    "dropout": nnx.Dropout,
    "relu": lambda rngs: jax.nn.relu,
    "pool": lambda rngs: lambda x: nnx.max_pool(x, (2, 2), (2, 2)),
    "flatten": lambda rngs: lambda x: x.reshape(len(x), -1),
}


class Net(nnx.Module):
    def __init__(self, network: Network, rngs: nnx.Rngs) -> None:
        build = lambda name, *sizes: _LAYERS[name](*sizes, rngs=rngs)  # noqa: E731
        self.blocks = nnx.List(
            [nnx.Sequential(*(build(*layer) for layer in block)) for block in network]
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        return x


def _loss(model: Net, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.square(model(x) - y).mean()


def train(model: Net, optimizer: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    loss, grads = nnx.value_and_grad(_loss)(model, x, y)
    optimizer.update(model, grads)
    return loss


def train_as_tree(model: Net, optimizer: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    loss, grads = nnx.value_and_grad(_loss, graph=False)(model, x, y)
    optimizer.update(model, grads)
    return loss


def bump(model: Net, optimizer: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    optimizer.step[...] += 1
    return optimizer.step[...]


def read(model: Net, optimizer: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    return optimizer.step[...] + 1


def forward(model: Net, x: jax.Array) -> jax.Array:
    return model(x)


_STEPS = {"empty step": bump, "read only": read, "forward": forward, "train step": train}


def modules(network: Network) -> tuple[Net, Any]:
    """Return a model and its optimizer."""
    model = Net(network, nnx.Rngs(0))
    return model, nnx.Optimizer(model, optax.adam(RATE), wrt=nnx.Param)


def calls(question: str, depth: int) -> dict[str, Call]:
    """Return the contenders."""
    network = blocks(depth)
    x, y = batch(network)
    arguments = (x,) if question == "forward" else (x, y)
    step = {"empty step": bump, "read only": read, "forward": forward, "train step": train}[
        question
    ]

    def objects() -> tuple[Any, ...]:
        model, optimizer = modules(network)
        model.set_attributes(use_running_average=question == "forward")
        return (model,) if question == "forward" else (model, optimizer)

    here, jitted = objects(), nnx.jit(step)
    cached = nnx.cached_partial(nnx.jit(step), *objects())
    contenders = {
        "nnx.jit": lambda: jitted(*here, *arguments),
        "nnx.cached_partial": lambda: cached(*arguments),
    }
    if hasattr(nnx, "jit_partial"):
        as_tree = train_as_tree if question == "train step" else step
        partial = nnx.jit_partial(as_tree, *objects(), graph=False)
        contenders["nnx.jit_partial"] = lambda: partial(*arguments)
    return contenders


def programs(network: Network) -> dict[str, Any]:
    """Return the lowered train step, with and without donation."""
    arguments = (*modules(network), *batch(network))
    return {
        "nnx.jit, donated": nnx.jit(train, donate_argnums=(0, 1)).lower(*arguments),
        "nnx.jit": nnx.jit(train).lower(*arguments),
    }
