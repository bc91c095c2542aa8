"""Callbacks that decide by a number against Keras's, over numbers that hypothesis draws.

Where ours differ on purpose (their docstrings say where), the draw leaves it out: values are
finite, and there is a baseline only in the test that says so.
"""

import os
import types
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite import callbacks as ours

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")
theirs = keras.callbacks

# Multiples of 1/8 tie often, and their differences are exact.
VALUES = st.lists(st.integers(0, 40).map(lambda number: number / 8), min_size=1, max_size=12)
MODES = st.sampled_from(["min", "max"])
DELTAS = st.sampled_from([0.0, 0.5, 1.0])


class Model:
    """What callbacks of either library want from a model and a trainer."""

    def __init__(self, rate: float = 1.0) -> None:
        self.stop_training = False
        self.optimizer = types.SimpleNamespace(learning_rate=rate)
        self.saved: list[int] = []
        self.epoch = 0
        self.arrays: dict[str, Any] = {}
        self.state = types.SimpleNamespace(step=0, metrics={})

    @property
    def model(self) -> "Model":
        return self

    def save(self, path: str, **options: Any) -> None:
        self.saved.append(self.epoch)

    def get_weights(self) -> int:
        return self.epoch

    def state_dict(self, *filters: Any) -> dict[str, Any]:
        return self.arrays or {"epoch": self.epoch}


def play(callback: Any, values: list[float]) -> tuple[Model, list[float]]:
    """Give a callback one value after the other; return the model and the rate of each epoch."""
    model, rates = Model(), []
    (callback.set_trainer if isinstance(callback, ours.Callback) else callback.set_model)(model)
    callback.on_train_begin({})
    for model.epoch, value in enumerate(values):
        callback.on_epoch_begin(model.epoch, {})
        rates.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(model.epoch, {"val_loss": value})
        if model.stop_training:
            break
    return model, rates


@settings(max_examples=examples(60), deadline=None)
@given(
    values=VALUES,
    mode=MODES,
    min_delta=DELTAS,
    patience=st.integers(0, 4),
    start=st.integers(0, 3),
)
def test_early_stopping(
    values: list[float], mode: str, min_delta: float, patience: int, start: int
) -> None:
    options = {"mode": mode, "min_delta": min_delta, "patience": patience}
    options |= {"start_from_epoch": start, "restore_best_weights": True}
    mine, other = ours.EarlyStopping(**options), theirs.EarlyStopping(**options)
    first, second = play(mine, values)[0], play(other, values)[0]
    assert (first.epoch, first.stop_training) == (second.epoch, second.stop_training)
    assert (mine.best, mine.best_epoch or 0) == (other.best, other.best_epoch)
    assert mine.best_weights == (None if other.best is None else {"epoch": other.best_weights})


@settings(max_examples=examples(60), deadline=None)
@given(values=VALUES, patience=st.integers(1, 4))
def test_a_baseline_that_the_first_value_beats(values: list[float], patience: int) -> None:
    options: Any = {"patience": patience, "mode": "max", "baseline": values[0] - 1}
    first, second = (play(kind.EarlyStopping(**options), values)[0] for kind in (ours, theirs))
    assert (first.epoch, first.stop_training) == (second.epoch, second.stop_training)


@settings(max_examples=examples(60), deadline=None)
@given(
    values=VALUES,
    mode=MODES,
    min_delta=DELTAS,
    patience=st.integers(0, 3),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.1]),
)
def test_reduce_lr_on_plateau(
    values: list[float], mode: str, min_delta: float, patience: int, cooldown: int, min_lr: float
) -> None:
    options: Any = {"mode": mode, "min_delta": min_delta, "patience": patience}
    options |= {"cooldown": cooldown, "min_lr": min_lr, "factor": 0.5}
    (mine, rates), (other, wanted) = (
        play(kind.ReduceLROnPlateau(**options), values) for kind in (ours, theirs)
    )
    assert rates == wanted
    assert mine.optimizer.learning_rate == other.optimizer.learning_rate


@settings(max_examples=examples(60), deadline=None)
@given(values=VALUES, mode=MODES, threshold=st.none() | st.integers(0, 5).map(float))
def test_model_checkpoint(values: list[float], mode: str, threshold: float | None) -> None:
    options: Any = {"mode": mode, "save_best_only": True, "initial_value_threshold": threshold}
    mine, other = (
        play(kind.ModelCheckpoint("model.keras", **options), values)[0] for kind in (ours, theirs)
    )
    assert mine.saved == other.saved


@settings(max_examples=examples(30), deadline=None)
@given(values=VALUES, factor=st.floats(0.25, 1.0))
def test_learning_rate_scheduler(values: list[float], factor: float) -> None:
    rates, wanted = (
        play(kind.LearningRateScheduler(lambda epoch, rate: rate * factor), values)[1]
        for kind in (ours, theirs)
    )
    assert rates == pytest.approx(wanted)


@settings(max_examples=examples(15), deadline=None)
@given(
    gradients=st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=6),
    momentum=st.sampled_from([0.0, 0.5, 0.99]),
)
def test_averages_of_parameters(gradients: list[float], momentum: float) -> None:
    variable = keras.Variable(1.0)
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=momentum)
    optimizer.build([variable])
    ema, model = ours.EMA(momentum), Model()
    model.arrays = {"w": jnp.float32(1.0)}
    ema.set_trainer(model)
    ema.on_train_begin()
    for number, gradient in enumerate(gradients):
        optimizer.apply([jnp.float32(gradient)], [variable])
        model.arrays = {"w": jnp.asarray(variable.value)}
        ema.on_train_batch_end(number)
    (wanted,) = optimizer._model_variables_moving_average
    np.testing.assert_allclose(ema.averages["w"], np.asarray(wanted.value), rtol=1e-6, atol=1e-6)
