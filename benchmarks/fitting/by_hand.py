"""Training loops by hand, in raw JAX and optax.

The data lie on the device, and so does the order of an epoch, which NumPy draws. The state has
the sums of loss and hits and the position in the epoch, so a step needs nothing from the host; it
is donated. `compiled epoch` is one program that makes all steps of an epoch. Of a stream each batch
comes from the host; with a prefetch thread that happens while the device is busy.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

from fitting import EPSILON, RATE, Case, Network, Turn, batches, initial, order

ADAM = optax.adam(RATE, eps=EPSILON)
AHEAD = 4


def turns(case: Case) -> dict[str, Turn]:
    """Return the ways to train `case`."""
    if case.streams:
        return {
            "by hand, step per batch": _stream(case, lambda items: items),
            "by hand, prefetch thread": _stream(case, prefetched),
        }
    return {
        "by hand, step by step": _resident(case, _steps(case)),
        "by hand, compiled epoch": _resident(case, _compiled_epoch(case)),
    }


def apply(network: Network, params: list[Any], x: jax.Array) -> jax.Array:
    """Return the output of a network."""
    remaining = iter(params)
    for name, *_ in network:
        if name in ("dense", "residual"):
            y = x @ next(remaining) + next(remaining)
            x = x + jax.nn.relu(y) if name == "residual" else y
        elif name == "conv":
            dims = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(
                x, next(remaining), (1, 1), "SAME", dimension_numbers=dims
            )
            x = x + next(remaining)
        elif name == "relu":
            x = jax.nn.relu(x)
        elif name == "pool":
            window = (1, 2, 2, 1)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
        elif name == "flatten":
            x = x.reshape(len(x), -1)
    return x


def start(network: Network) -> dict[str, Any]:
    """Return the state of a training."""
    params = [jnp.asarray(array) for array in initial(network)]
    return {"params": params, "opt_state": ADAM.init(params), **_nothing_seen()}


def _nothing_seen() -> dict[str, Any]:
    return {"loss": jnp.zeros(()), "hits": jnp.zeros(()), "position": jnp.zeros((), jnp.int32)}


def advance(network: Network, state: dict[str, Any], x: jax.Array, y: jax.Array) -> dict[str, Any]:
    """Make one step."""

    def loss_fn(params: Any) -> tuple[jax.Array, jax.Array]:
        preds = apply(network, params, x)
        return optax.softmax_cross_entropy_with_integer_labels(preds, y).mean(), preds

    (loss, preds), grads = jax.value_and_grad(loss_fn, has_aux=True)(state["params"])
    updates, opt_state = ADAM.update(grads, state["opt_state"], state["params"])
    return {
        "params": optax.apply_updates(state["params"], updates),
        "opt_state": opt_state,
        "loss": state["loss"] + loss * len(x),
        "hits": state["hits"] + (preds.argmax(-1) == y).sum(),
        "position": state["position"] + len(x),
    }


def _gathered(case: Case, state: Any, x: jax.Array, y: jax.Array, visited: Any, size: int) -> Any:
    rows = jax.lax.dynamic_slice(visited, (state["position"],), (size,))
    chosen = (jnp.take(array, rows, axis=0, mode="clip") for array in (x, y))
    return advance(case.network, state, *chosen)


Epoch = Callable[[Any, jax.Array, jax.Array, jax.Array], Any]


def _steps(case: Case) -> Epoch:
    """Return an epoch that calls a compiled step for each batch."""
    full, rest = divmod(len(case.data.x), case.batch_size)
    compiled = jax.jit(functools.partial(_gathered, case), static_argnums=4, donate_argnums=0)

    def epoch(state: Any, x: jax.Array, y: jax.Array, visited: jax.Array) -> Any:
        for _ in range(full):
            state = compiled(state, x, y, visited, case.batch_size)
        return compiled(state, x, y, visited, rest) if rest else state

    return epoch


def _compiled_epoch(case: Case) -> Epoch:
    """Return an epoch that is one program."""
    full, rest = divmod(len(case.data.x), case.batch_size)

    def epoch(state: Any, x: jax.Array, y: jax.Array, visited: jax.Array) -> Any:
        def body(_: Any, state: Any) -> Any:
            return _gathered(case, state, x, y, visited, case.batch_size)

        state = jax.lax.fori_loop(0, full, body, state)
        return _gathered(case, state, x, y, visited, rest) if rest else state

    return jax.jit(epoch, donate_argnums=0)


def _resident(case: Case, epoch: Epoch) -> Turn:
    count = len(case.data.x)
    x, y = jnp.asarray(case.data.x), jnp.asarray(case.data.y)
    state, epochs_made = start(case.network), 0

    def turn() -> tuple[float, float]:
        nonlocal state, epochs_made
        for _ in range(case.epochs):
            state |= _nothing_seen()
            state = epoch(state, x, y, jnp.asarray(order(0, epochs_made, count)))
            loss, hits = jax.device_get((state["loss"], state["hits"]))  # read once in an epoch
            epochs_made += 1
        return float(loss) / count, float(hits) / count

    return turn


def _stream(case: Case, wrap: Callable[[Iterator[Any]], Iterable[Any]]) -> Turn:
    step = jax.jit(functools.partial(advance, case.network), donate_argnums=0)
    state, count = start(case.network), len(case.data.x)

    def turn() -> tuple[float, float]:
        nonlocal state
        for _ in range(case.epochs):
            state |= _nothing_seen()
            for x, y in wrap(batches(case, 1)):
                state = step(state, x, y)
            loss, hits = jax.device_get((state["loss"], state["hits"]))
        return float(loss) / count, float(hits) / count

    return turn


def prefetched(items: Iterator[Any]) -> Iterator[Any]:
    """Make the items on a thread, which puts a few of them on the device ahead of their use."""
    ready: queue.Queue[Any] = queue.Queue(AHEAD)
    end = object()

    def produce() -> None:
        for item in items:
            ready.put(jax.device_put(item))
        ready.put(end)

    threading.Thread(target=produce, daemon=True).start()
    yield from iter(ready.get, end)
