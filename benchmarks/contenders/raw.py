"""Raw JAX: the state is a dict of dicts of arrays, or one flat list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from contenders import EPSILON, MOMENTUM, RATE, Call, Network, batch, blocks, stateful

State = dict[str, Any]


def init(network: Network, inference: bool = False) -> State:
    """Return parameters and carried state (statistics, keys); for training the optimizer's too."""
    rng = np.random.default_rng(1)
    params: dict[str, jax.Array] = {}
    carried: dict[str, jax.Array] = {}
    for i, block in enumerate(network):
        for j, (layer, *sizes) in enumerate(block):
            at = f"{i}/{j}"
            if layer in ("linear", "conv"):
                shape = tuple(sizes) if layer == "linear" else (3, 3, *sizes)
                kernel = rng.normal(size=shape) / np.prod(shape[:-1]) ** 0.5
                params[f"{at}/kernel"] = jnp.asarray(kernel, jnp.float32)
                params[f"{at}/bias"] = jnp.zeros(shape[-1])
            elif layer == "norm":
                params[f"{at}/scale"], params[f"{at}/bias"] = jnp.ones(sizes), jnp.zeros(sizes)
                carried[f"{at}/mean"], carried[f"{at}/var"] = jnp.zeros(sizes), jnp.ones(sizes)
            elif layer == "dropout":
                carried[f"{at}/key"] = jax.random.PRNGKey(i)
    state: State = {"params": params, "carried": carried}
    if not inference:
        opt_state, step = optax.adam(RATE).init(params), jnp.zeros((), jnp.int32)
        state |= {"opt_state": opt_state, "step": step}
    return state


def apply(network: Network, params: State, carried: State, x: jax.Array, train: bool) -> Any:
    """Return the output, and the carried state afterwards."""
    new = dict(carried)
    for i, block in enumerate(network):
        for j, (layer, *sizes) in enumerate(block):
            at = f"{i}/{j}"
            if layer == "linear":
                x = x @ params[f"{at}/kernel"] + params[f"{at}/bias"]
            elif layer == "conv":
                dims = ("NHWC", "HWIO", "NHWC")
                x = jax.lax.conv_general_dilated(
                    x, params[f"{at}/kernel"], (1, 1), "SAME", dimension_numbers=dims
                )
                x = x + params[f"{at}/bias"]
            elif layer == "norm":
                x = _norm(at, params, new, x, train)
            elif layer == "dropout" and train:
                x = _dropout(at, new, x, sizes[0])
            elif layer == "relu":
                x = jax.nn.relu(x)
            elif layer == "pool":
                window = (1, 2, 2, 1)
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
            elif layer == "flatten":
                x = x.reshape(len(x), -1)
    return x, new


def _norm(at: str, params: State, carried: State, x: jax.Array, train: bool) -> jax.Array:
    mean, var = carried[f"{at}/mean"], carried[f"{at}/var"]
    if train:
        axes = tuple(range(x.ndim - 1))
        now = x.mean(axes)
        carried[f"{at}/mean"] = MOMENTUM * mean + (1 - MOMENTUM) * jax.lax.stop_gradient(now)
        mean, now = now, jnp.square(x - now).mean(axes)
        carried[f"{at}/var"] = MOMENTUM * var + (1 - MOMENTUM) * jax.lax.stop_gradient(now)
        var = now
    scale = jax.lax.rsqrt(var + EPSILON) * params[f"{at}/scale"]
    return (x - mean) * scale + params[f"{at}/bias"]


def _dropout(at: str, carried: State, x: jax.Array, rate: float) -> jax.Array:
    carried[f"{at}/key"], key = jax.random.split(carried[f"{at}/key"])
    kept = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), jnp.zeros_like(x))


def train_step(network: Network) -> Callable[..., Any]:
    """Return `(state, x, y) -> (state, loss)`."""
    optimizer = optax.adam(RATE)

    def step(state: State, x: jax.Array, y: jax.Array) -> Any:
        def loss_fn(params: State) -> Any:
            preds, carried = apply(network, params, state["carried"], x, train=True)
            return jnp.square(preds - y).mean(), carried

        params = state["params"]
        (loss, carried), grads = jax.value_and_grad(loss_fn, has_aux=True)(params)
        updates, opt_state = optimizer.update(grads, state["opt_state"], params)
        new = {
            "params": optax.apply_updates(params, updates),
            "carried": carried,
            "opt_state": opt_state,
            "step": state["step"] + 1,
        }
        return new, loss

    return step


def _bump(state: State, x: jax.Array, y: jax.Array) -> Any:
    new = {**state, "step": state["step"] + 1}
    return new, new["step"]


def _flat(step: Callable[..., Any], state: Any, writes: bool) -> tuple[Callable[..., Any], Any]:
    """Return the same step over the list of the state's leaves."""
    leaves, treedef = jax.tree_util.tree_flatten(state)

    def flat(leaves: list[Any], *arguments: Any) -> Any:
        out = step(jax.tree_util.tree_unflatten(treedef, leaves), *arguments)
        return (jax.tree_util.tree_leaves(out[0]), out[1]) if writes else out

    return flat, leaves


def calls(question: str, depth: int) -> dict[str, Call]:
    """Return the contenders; the first one is what all others are compared with."""
    network = blocks(depth)
    x, y = batch(network)
    if question in ("forward", "read only"):
        forward = question == "forward"

        def look(state: State, *arguments: jax.Array) -> Any:
            if not forward:
                return state["step"] + 1
            return apply(network, state["params"], state["carried"], arguments[0], train=False)[0]

        state, arguments = init(network, inference=forward), (x,) if forward else (x, y)
        flat, leaves = _flat(look, state, writes=False)
        over_dict, over_list = jax.jit(look), jax.jit(flat)
        return {
            "raw jax.jit, dict": lambda: over_dict(state, *arguments),
            "raw jax.jit, flat list": lambda: over_list(leaves, *arguments),
        }
    step = train_step(network) if question == "train step" else _bump
    flat, leaves = _flat(step, init(network), writes=True)
    contenders = {
        "raw jax.jit, dict, donated": stateful(
            jax.jit(step, donate_argnums=0), init(network), x, y
        ),
        "raw jax.jit, flat list, donated": stateful(jax.jit(flat, donate_argnums=0), leaves, x, y),
        "raw jax.jit, dict, not donated": stateful(jax.jit(step), init(network), x, y),
    }
    if question == "empty step":
        contenders["raw jax.jit, dict, only the count returned"] = _by_hand(init(network), x, y)
    return contenders


def _by_hand(state: State, x: jax.Array, y: jax.Array) -> Call:
    """What one would write by hand who knows that only the count changes."""
    step = jax.jit(lambda state, x, y: state["step"] + 1)

    def call() -> Any:
        state["step"] = step(state, x, y)
        return state["step"]

    return call


def programs(network: Network) -> dict[str, Any]:
    """Return the lowered train step, with and without donation."""
    arguments, step = (init(network), *batch(network)), train_step(network)
    return {
        "raw JAX, donated": jax.jit(step, donate_argnums=0).lower(*arguments),
        "raw JAX": jax.jit(step).lower(*arguments),
    }
