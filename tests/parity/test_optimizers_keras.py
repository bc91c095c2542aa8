"""Optimizers against Keras: parameters after 10 steps, to 1e-5, and schedules, to 1e-6.

Where defaults differ (epsilon of Adam is 1e-7, the weight decay of AdamW 4e-3), the options are
given. Keras multiplies the rate into the momentum of SGD, so that a schedule changes the past too;
optax and torch do not, and schedules are compared without momentum.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite.optimizers import schedules

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

START = {"b": np.array([0.5, -0.25], np.float32), "w": np.array([[1.0, -2.0]], np.float32)}
STEPS = 10

OPTIMIZERS: dict[str, tuple[Callable[[], tx.Optimizer], Callable[[], Any]]] = {
    "sgd": (lambda: tx.Optimizer("sgd"), lambda: keras.optimizers.SGD()),
    "adam": (lambda: tx.Optimizer("adam", eps=1e-7), lambda: keras.optimizers.Adam()),
    "adamw": (
        lambda: tx.Optimizer("adamw", 0.1, eps=1e-7, weight_decay=0.1),
        lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
    ),
    "adagrad": (
        lambda: tx.Optimizer("adagrad", 0.1),
        lambda: keras.optimizers.Adagrad(0.1),
    ),
    "lion": (
        lambda: tx.Optimizer("lion", 0.1, weight_decay=0.0),
        lambda: keras.optimizers.Lion(0.1),
    ),
    "global norm": (
        lambda: tx.Optimizer("sgd", 0.1, clip_norm=0.5),
        lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.5),
    ),
    "value": (
        lambda: tx.Optimizer("sgd", 0.1, clip_value=0.5),
        lambda: keras.optimizers.SGD(0.1, clipvalue=0.5),
    ),
    "accumulation": (
        lambda: tx.Optimizer("adam", 0.1, eps=1e-7, accumulate_steps=3),
        lambda: keras.optimizers.Adam(0.1, gradient_accumulation_steps=3),
    ),
    "schedule": (
        lambda: tx.Optimizer("sgd", schedules.cosine(0.1, 8)),
        lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 8)),
    ),
    "average": (
        lambda: tx.Optimizer("sgd", 0.1, ema=0.9),
        lambda: keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    ours, theirs = (make() for make in OPTIMIZERS[name])
    params = {path: jnp.asarray(x) for path, x in START.items()}
    variables = {path: keras.Variable(x) for path, x in START.items()}
    ours, step = ours.init(params), tx.jit(lambda p, o: o.update(gradients(p), p))
    theirs.build(list(variables.values()))
    for _ in range(STEPS):
        params = step(params, ours)
        values = {path: jnp.asarray(x.value) for path, x in variables.items()}
        theirs.apply(list(gradients(values).values()))
    for path, variable in variables.items():
        np.testing.assert_allclose(params[path], variable.value, rtol=1e-5, atol=1e-5)
    if name == "average":
        theirs.finalize_variable_values(list(variables.values()))
        for path, variable in variables.items():
            found = ours.averaged(params)[path]
            np.testing.assert_allclose(found, variable.value, rtol=1e-5, atol=1e-5)


def gradients(params: Any) -> Any:
    return {path: jnp.sin(3 * x) + x for path, x in params.items()}


def keras_schedules() -> dict[str, tuple[Any, Any]]:
    k = keras.optimizers.schedules
    return {
        "cosine": (
            schedules.cosine(0.5, 12, warmup_steps=4, end=0.05),
            k.CosineDecay(0.0, 8, alpha=0.1, warmup_target=0.5, warmup_steps=4),
        ),
        "exponential": (
            schedules.exponential(0.5, 4, 0.7),
            k.ExponentialDecay(0.5, 4, 0.7),
        ),
        "staircase": (
            schedules.exponential(0.5, 4, 0.7, staircase=True),
            k.ExponentialDecay(0.5, 4, 0.7, staircase=True),
        ),
        "polynomial": (
            schedules.polynomial(0.5, 8, end=0.1, power=2.0),
            k.PolynomialDecay(0.5, 8, 0.1, 2.0),
        ),
        "restarts": (
            schedules.cosine_restarts(0.5, 4, t_mul=1.0, m_mul=0.5),
            k.CosineDecayRestarts(0.5, 4, t_mul=1.0, m_mul=0.5),
        ),
        "piecewise": (
            schedules.piecewise([3, 6], [0.5, 0.2, 0.1]),
            k.PiecewiseConstantDecay([2, 5], [0.5, 0.2, 0.1]),  # Keras's boundaries are inclusive
        ),
    }


@pytest.mark.parametrize(
    "name", ["cosine", "exponential", "staircase", "polynomial", "restarts", "piecewise"]
)
def test_schedules(name: str) -> None:
    ours, theirs = keras_schedules()[name]
    steps = jnp.arange(12)
    found = jax.vmap(ours)(steps)
    wanted = [float(theirs(int(step))) for step in steps]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
