"""Metrics against Keras, to 1e-6 relative, with weights, over batches of unequal size."""

import os
from typing import Any

import numpy as np
import pytest

from treexlite.metrics import Accuracy, Mean

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 100)
SCORES = (RNG.normal(size=(100, 3)) + np.eye(3)[LABELS]).astype(np.float32)
WEIGHTS = [None, RNG.uniform(size=100).astype(np.float32), RNG.integers(0, 3, 100)]
BATCHES = np.split(np.arange(100), [1, 40, 90])


def assert_same(ours: Any, theirs: Any, arrays: tuple[np.ndarray, ...], weights: Any) -> None:
    for batch in BATCHES:
        parts = [array[batch] for array in arrays]
        weight = None if weights is None else weights[batch]
        theirs.update_state(*parts, sample_weight=weight)
        if len(parts) == 1:
            ours.update(values=parts[0], sample_weight=weight)
        else:
            ours.update(*parts, sample_weight=weight)
        np.testing.assert_allclose(ours.compute(), theirs.result(), rtol=1e-6)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("SparseCategoricalAccuracy", (LABELS, SCORES)),
        ("CategoricalAccuracy", (np.eye(3)[LABELS], SCORES)),
        ("BinaryAccuracy", (LABELS[:, None] // 2, SCORES[:, :1])),
        ("Accuracy", (LABELS, SCORES.argmax(-1))),
    ],
)
def test_accuracy(name: str, arrays: tuple[np.ndarray, ...], weights: Any) -> None:
    assert_same(Accuracy(), getattr(keras.metrics, name)(), arrays, weights)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_mean(weights: Any) -> None:
    assert_same(Mean(), keras.metrics.Mean(), (SCORES[:, 0],), weights)
