"""Metrics between numbers against Keras, to 1e-6 relative, in uneven batches.

Keras sums in float32, so the numbers are near 0 and few.
"""

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.numbers import EXAMPLES, measured, numbers
from treexlite import losses
from treexlite import metrics as ours

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")


def theirs(metric: Any, data: dict[str, Any]) -> np.ndarray:
    for rows in np.split(np.arange(EXAMPLES), data["cuts"]):
        weights = None if data["weights"] is None else data["weights"][rows]
        metric.update_state(data["target"][rows], data["preds"][rows], sample_weight=weights)
    return np.asarray(metric.result())


def near_zero(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data without its offset."""
    shift = np.round(data["target"].mean())
    return {**data, "target": data["target"] - shift, "preds": data["preds"] - shift}


@pytest.mark.parametrize(
    "name",
    [
        "MeanSquaredError",
        "RootMeanSquaredError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "CosineSimilarity",
    ],
)
@settings(max_examples=examples(8), deadline=None)
@given(data=numbers(outputs=3))
def test_means(name: str, data: dict[str, Any]) -> None:
    data = near_zero(data)
    wanted = theirs(getattr(keras.metrics, name)(), data)
    np.testing.assert_allclose(measured(ours.get(name), data), wanted, rtol=2e-6, atol=1e-7)


@settings(max_examples=examples(8), deadline=None)
@given(data=numbers(outputs=3))
def test_logarithms_of_numbers_above_zero(data: dict[str, Any]) -> None:
    data = near_zero(data)
    data = {**data, "target": abs(data["target"]) + 1e-3, "preds": abs(data["preds"]) + 1e-3}
    wanted = theirs(keras.metrics.MeanSquaredLogarithmicError(), data)
    found = measured(ours.MeanSquaredLogarithmicError(), data)
    np.testing.assert_allclose(found, wanted, rtol=2e-6)


@settings(max_examples=examples(8), deadline=None)
@given(data=numbers(outputs=2))
def test_r2_score(data: dict[str, Any]) -> None:
    data = near_zero(data)
    wanted = theirs(keras.metrics.R2Score(), data)
    found = measured(ours.R2Score(num_outputs=2), data)
    np.testing.assert_allclose(1 - found, 1 - wanted, rtol=2e-6)


def test_sum() -> None:
    values = np.random.default_rng(0).uniform(size=(6, 2)).astype(np.float32)
    weights = np.arange(6).astype(np.float32)
    metric, other = ours.Sum(), keras.metrics.Sum()
    for rows in (slice(0, 1), slice(1, 6)):
        metric.update(values=values[rows], sample_weight=weights[rows])
        other.update_state(values[rows], sample_weight=weights[rows])
    np.testing.assert_allclose(metric.compute(), other.result(), rtol=1e-6)


@settings(max_examples=examples(8), deadline=None)
@given(data=numbers(outputs=3))
def test_the_running_loss_is_what_a_model_of_keras_logs(data: dict[str, Any]) -> None:
    """Keras averages the losses of batches by their examples, also with weights."""
    data = near_zero(data)
    tracker, loss = keras.metrics.Mean(), keras.losses.MeanSquaredError()
    for rows in np.split(np.arange(EXAMPLES), data["cuts"]):
        weights = None if data["weights"] is None else data["weights"][rows]
        value = loss(data["target"][rows], data["preds"][rows], sample_weight=weights)
        tracker.update_state(value, sample_weight=len(rows))
    found = measured(ours.Losses(losses.MeanSquaredError()), data)["mean_squared_error"]
    np.testing.assert_allclose(found, tracker.result(), rtol=2e-6)
