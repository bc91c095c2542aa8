"""The same networks, and the same steps, in raw JAX, treexlite, Flax NNX and Equinox.

A network is a tuple of blocks, a block a tuple of layers, a layer a tuple of its name and sizes:

    (("linear", 32, 32), ("norm", 32), ("relu",))

Each file reads such descriptions in its own framework and gives two functions: `calls`, the steps
as calls without arguments, to be timed; and `programs`, the lowered train steps, to be counted.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Network = tuple[tuple[tuple[Any, ...], ...], ...]
Call = Callable[[], Any]

RATE, MOMENTUM, EPSILON = 1e-3, 0.99, 1e-5
WIDTH, BATCH = 32, 32

QUESTIONS = ("empty step", "read only", "forward", "train step")
"""What one call does: count one update; only look at the count; infer; learn from one batch."""


def blocks(depth: int) -> Network:
    """Return `depth` blocks of Linear + BatchNorm + relu: with Adam, 14 arrays of state each."""
    block = (("linear", WIDTH, WIDTH), ("norm", WIDTH), ("relu",))
    return (block,) * depth


def batch(network: Network, size: int = BATCH) -> tuple[jax.Array, jax.Array]:
    """Return fixed inputs and targets for a network; images are 16 pixels wide and high."""
    rng = np.random.default_rng(0)
    first, last = network[0][0], network[-1][-1]
    image = (16, 16) if first[0] == "conv" else ()
    features = last[2] if last[0] == "linear" else WIDTH
    x, y = rng.normal(size=(size, *image, first[1])), rng.normal(size=(size, features))
    return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)


def stateful(step: Callable[..., Any], state: Any, *arguments: Any) -> Call:
    """Return a call of a pure `step` that keeps the new state for the next call."""
    box = [state]

    def call() -> Any:
        box[0], out = step(box[0], *arguments)
        return out

    return call


def peers() -> list[ModuleType]:
    """Return the contenders of other frameworks, as far as these are installed."""
    files = {"flax": "flax_nnx", "equinox": "equinox_filter"}
    installed = [name for name in files if importlib.util.find_spec(name) is not None]
    return [importlib.import_module(f"contenders.{files[name]}") for name in installed]
