"""Keras 3 on JAX: `Model.fit`, with one step for each call of `steps_per_execution`, and with more.

Importing this file chooses the backend, when nobody has chosen one, and needs Keras.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from fitting import EPSILON, RATE, Case, Network, Turn, batches, initial

if keras.backend.backend() != "jax":
    raise ImportError(f"Keras runs on {keras.backend.backend()}; set KERAS_BACKEND=jax.")


def turns(case: Case, steps_per_execution: Sequence[int]) -> dict[str, Turn]:
    """Return the ways to train `case`: one for each `steps_per_execution`."""
    return {f"Keras, {steps} at once": _turn(case, steps) for steps in steps_per_execution}


def build(network: Network, shape: Sequence[int], rate: Any = RATE, steps: int = 1) -> Any:
    """Return a compiled model, with Keras's own initial arrays."""
    inputs = x = keras.Input(shape=tuple(shape))
    layers = keras.layers
    for name, *sizes in network:
        if name == "dense":
            x = layers.Dense(sizes[-1])(x)
        elif name == "residual":
            x = layers.Add()([x, layers.Dense(sizes[-1], activation="relu")(x)])
        elif name == "conv":
            x = layers.Conv2D(sizes[-1], 3, padding="same")(x)
        elif name == "relu":
            x = layers.ReLU()(x)
        else:
            x = layers.MaxPooling2D()(x) if name == "pool" else layers.Flatten()(x)
    model = keras.Model(inputs, x)
    model.compile(
        optimizer=keras.optimizers.Adam(rate, epsilon=EPSILON),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=steps,
    )
    return model


def _turn(case: Case, steps: int) -> Turn:
    model = build(case.network, case.data.x.shape[1:], steps=steps)
    model.set_weights(initial(case.network))

    def turn() -> tuple[float, float]:
        options = {"epochs": case.epochs, "verbose": 0}
        if case.streams:
            stream = batches(case, case.epochs)
            history = model.fit(stream, steps_per_epoch=case.num_steps, **options).history
        else:
            x, y = case.data
            history = model.fit(x, y, batch_size=case.batch_size, **options).history
        return history["loss"][-1], history["accuracy"][-1]

    return turn
