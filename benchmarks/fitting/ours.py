"""`tx.Trainer.fit`, as its documentation says to call it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

import treexlite as tx
from fitting import EPSILON, RATE, Case, Data, Network, Turn, batches, initial


def turns(case: Case) -> dict[str, Turn]:
    """Return the ways to train `case`: from NumPy arrays, or from arrays that are on the device."""
    found = {"tx.Trainer.fit": _turn(case)}
    if not case.streams:  # as the loops by hand have them
        on_device = Data(*map(jnp.asarray, case.data))
        found["tx.Trainer.fit, JAX arrays"] = _turn(case._replace(data=on_device))
    return found


def _turn(case: Case) -> Turn:
    trainer = build(case.network)
    fill(trainer.model, case)

    def turn() -> tuple[float, float]:
        history = fit(trainer, case)
        return history["loss"][-1], history["accuracy"][-1]

    return turn


def build(network: Network, rate: Any = RATE, seed: int = 0) -> tx.Trainer:
    """Return a trainer of a network, which will have Keras's kind of initial arrays."""
    adam = optax.adam(rate, eps=EPSILON)
    return tx.Trainer(model(network), "crossentropy", adam, ["accuracy"], seed=seed)


def model(network: Network, kernel_init: str = "glorot_uniform") -> Any:
    """Return a network that is not initialised."""
    layers: list[Any] = []
    for name, *sizes in network:
        if name == "dense":
            layers.append(tx.nn.Linear(sizes[-1], kernel_init=kernel_init))
        elif name == "residual":
            linear = tx.nn.Linear(sizes[-1], kernel_init=kernel_init)
            layers.append(tx.nn.Residual(tx.nn.Sequential(linear, jax.nn.relu)))
        elif name == "conv":
            layers.append(tx.nn.Conv(sizes[-1], (3, 3), kernel_init=kernel_init))
        elif name == "relu":
            layers.append(jax.nn.relu)
        else:
            layers.append(tx.nn.MaxPool((2, 2)) if name == "pool" else tx.nn.Flatten())
    return tx.nn.Sequential(*layers)


def fill(model: Any, case: Case) -> None:
    """Initialise a model, with the arrays that all contenders begin with."""
    model.init(0, jnp.asarray(case.data.x[:1], jnp.float32), inplace=True)
    arrays = iter(initial(case.network))
    for _, member in model.modules():
        if isinstance(member, (tx.nn.Linear, tx.nn.Conv)):
            member.kernel, member.bias = jnp.asarray(next(arrays)), jnp.asarray(next(arrays))


def fit(trainer: tx.Trainer, case: Case) -> dict[str, list[Any]]:
    """Train for one turn, and return the logs of its epochs."""
    if case.streams:
        stream = batches(case, case.epochs)
        return trainer.fit(
            stream, epochs=case.epochs, steps_per_epoch=case.num_steps, verbose=0
        ).history
    x, y = case.data
    return trainer.fit(x, y, batch_size=case.batch_size, epochs=case.epochs, verbose=0).history
