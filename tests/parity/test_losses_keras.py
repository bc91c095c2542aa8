"""Losses against Keras, to 1e-5 relative."""

import os
from typing import Any

import numpy as np
import pytest

from treexlite.losses import CrossEntropy, MeanSquaredError

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, (6, 2))
ONE_HOT = np.eye(5, dtype=np.float32)[LABELS]
LOGITS = (2 * RNG.normal(size=(6, 2, 5))).astype(np.float32)
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
WEIGHTS = np.array([1, 0, 0.5, 2, 0, 1], np.float32)
REDUCTIONS = ["sum_over_batch_size", "sum", "none"]


def assert_same(ours: Any, theirs: Any, target: np.ndarray, preds: np.ndarray) -> None:
    np.testing.assert_allclose(ours(target, preds), theirs(target, preds), rtol=1e-5, atol=1e-6)
    weights = np.repeat(WEIGHTS[:, None], 2, axis=1)
    wanted = theirs(target, preds, sample_weight=weights)
    np.testing.assert_allclose(ours(target, preds, WEIGHTS), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_of_labels(reduction: Any, from_logits: bool) -> None:
    assert_same(
        CrossEntropy(reduction=reduction, from_logits=from_logits),
        keras.losses.SparseCategoricalCrossentropy(reduction=reduction, from_logits=from_logits),
        LABELS,
        LOGITS if from_logits else SOFTMAX,
    )


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_one_hot_labels(smoothing: float, from_logits: bool) -> None:
    options = {"from_logits": from_logits, "label_smoothing": smoothing}
    assert_same(
        CrossEntropy(**options),
        keras.losses.CategoricalCrossentropy(**options),
        ONE_HOT,
        LOGITS if from_logits else SOFTMAX,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_mean_squared_error(reduction: Any) -> None:
    target = RNG.normal(size=LOGITS.shape).astype(np.float32)
    theirs = keras.losses.MeanSquaredError(reduction=reduction)
    assert_same(MeanSquaredError(reduction=reduction), theirs, target, LOGITS)


def test_weights_scale_the_mean_and_do_not_divide_it() -> None:
    target, preds, weights = np.zeros((4, 1)), np.full((4, 1), 2.0), np.array([1.0, 0, 0, 0])
    assert MeanSquaredError()(target, preds, weights) == 1
    assert keras.losses.MeanSquaredError()(target, preds, sample_weight=weights) == 1
