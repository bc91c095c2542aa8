"""Equinox: `eqx.filter_jit` over immutable modules; state is passed and returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from contenders import EPSILON, MOMENTUM, RATE, Call, Network, batch, blocks, stateful

_LAYERS: dict[str, Callable[..., Any]] = {
    "linear": lambda n_in, n_out, key: eqx.nn.Linear(n_in, n_out, key=key),
    "conv": lambda n_in, n_out, key: eqx.nn.Conv2d(n_in, n_out, 3, padding=1, key=key),
    "norm": lambda n, key: eqx.nn.BatchNorm(
        n, "batch", mode="batch", momentum=MOMENTUM, eps=EPSILON
    ),
    "dropout": lambda rate, key: eqx.nn.Dropout(rate),
    "relu": lambda key: jax.nn.relu,
    "pool": lambda key: eqx.nn.MaxPool2d(2, 2),
    "flatten": lambda key: jnp.ravel,
}


class Net(eqx.Module):
    blocks: list[list[Any]]

    def __init__(self, network: Network) -> None:
        keys = iter(jax.random.split(jax.random.key(0), sum(map(len, network))))
        build = lambda name, *sizes: _LAYERS[name](*sizes, key=next(keys))  # noqa: E731
        self.blocks = [[build(*layer) for layer in block] for block in network]

    def __call__(self, x: jax.Array, state: Any, key: jax.Array) -> Any:
        layers = [layer for block in self.blocks for layer in block]
        keys = jax.random.split(key, sum(isinstance(layer, eqx.nn.Dropout) for layer in layers))
        remaining = iter(keys)
        for layer in layers:
            if isinstance(layer, eqx.nn.BatchNorm):
                x, state = layer(x, state)
            elif isinstance(layer, eqx.nn.Dropout):
                x = layer(x, key=next(remaining))
            else:
                x = layer(x)
        return x, state


def _run(model: Net, norms: Any, x: jax.Array, key: jax.Array) -> Any:
    if x.ndim == 4:
        x = x.transpose(0, 3, 1, 2)  # (batch, channels, height, width)
    keys = jax.random.split(key, len(x))
    over_batch = jax.vmap(model, axis_name="batch", in_axes=(0, None, 0), out_axes=(0, None))
    return over_batch(x, norms, keys)


def _loss(model: Net, norms: Any, key: jax.Array, x: jax.Array, y: jax.Array) -> Any:
    preds, norms = _run(model, norms, x, key)
    return jnp.square(preds - y).mean(), norms


def train(data: Any, state: Any) -> Any:
    model, norms, opt_state, step, key = state
    key, now = jax.random.split(key)
    grad = eqx.filter_value_and_grad(_loss, has_aux=True)
    (loss, norms), grads = grad(model, norms, now, *data)
    updates, opt_state = optax.adam(RATE).update(grads, opt_state, model)
    return (eqx.apply_updates(model, updates), norms, opt_state, step + 1, key), loss


def bump(data: Any, state: Any) -> Any:
    model, norms, opt_state, step, key = state
    return (model, norms, opt_state, step + 1, key), step + 1


def read(data: Any, state: Any) -> Any:
    return state[3] + 1


def forward(data: Any, state: Any) -> Any:
    model, norms, key = state
    return _run(model, norms, data, key)[0]


def _state(network: Network) -> Any:
    model, norms = eqx.nn.make_with_state(Net)(network)
    opt_state = optax.adam(RATE).init(eqx.filter(model, eqx.is_inexact_array))
    return model, norms, opt_state, jnp.zeros((), jnp.int32), jax.random.PRNGKey(0)


def calls(question: str, depth: int) -> dict[str, Call]:
    """Return the contenders."""
    network = blocks(depth)
    data, state = batch(network), _state(network)
    if question == "forward":
        model, norms, _, _, key = state
        infer = eqx.filter_jit(forward)
        here = (eqx.nn.inference_mode(model), norms, key)
        return {"eqx.filter_jit": lambda: infer(data[0], here)}
    if question == "read only":
        look = eqx.filter_jit(read)
        return {"eqx.filter_jit": lambda: look(data, state)}
    step = eqx.filter_jit(train if question == "train step" else bump, donate="all-except-first")
    return {"eqx.filter_jit, donated": stateful(lambda state: step(data, state), state)}


def programs(network: Network) -> dict[str, Any]:
    """Return the lowered train step."""
    step = eqx.filter_jit(train, donate="all-except-first")
    lowered = step.lower(batch(network), _state(network))
    return {"eqx.filter_jit, donated": lowered.lowered}
