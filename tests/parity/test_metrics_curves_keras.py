"""Areas over thresholds against Keras, to 1e-6, with weights, in batches of unequal size."""

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.metrics import AUC

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

SIZE = 24
CUTS = np.split(np.arange(SIZE), [1, 14])


@pytest.mark.parametrize("method", ["interpolation", "minoring", "majoring"])
@pytest.mark.parametrize("curve", ["ROC", "PR"])
@settings(max_examples=examples(10))
@given(seed=st.integers(0, 2**32 - 1), steps=st.sampled_from([4, 10**6]), number=st.integers(0, 3))
def test_areas(curve: Any, method: Any, seed: int, steps: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([[0, 1], rng.integers(0, 2, SIZE - 2)])
    scores = (rng.integers(0, steps + 1, SIZE) / steps).astype(np.float32)
    weights = [None, rng.uniform(0.1, 2, SIZE), rng.integers(0, 3, SIZE) + (labels.cumsum() < 2)]
    weight = weights[number % 3]
    thresholds = [200, 5][number // 2]
    ours = AUC(thresholds, curve=curve, summation_method=method)
    theirs = keras.metrics.AUC(thresholds, curve=curve, summation_method=method)
    for batch in CUTS:
        part = labels[batch], scores[batch], None if weight is None else weight[batch]
        ours.update(*part)
        theirs.update_state(part[0], part[1], sample_weight=part[2])
    np.testing.assert_allclose(ours.compute(), theirs.result(), rtol=1e-6, atol=1e-6)


def test_areas_of_logits() -> None:
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, SIZE), rng.normal(size=SIZE).astype(np.float32)
    theirs = keras.metrics.AUC(from_logits=True)
    theirs.update_state(labels, logits)
    np.testing.assert_allclose(AUC(from_logits=True)(labels, logits), theirs.result(), rtol=1e-6)
