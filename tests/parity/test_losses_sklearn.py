"""Losses against scikit-learn, whose means divide by the sum of the weights; to 1e-5 relative."""

import numpy as np
import pytest

from treexlite.losses import CrossEntropy, MeanSquaredError

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

RNG = np.random.default_rng(0)
LABELS = np.array([0, 1, 2, 1, 0, 2, 2])
LOGITS = (2 * RNG.normal(size=(7, 3))).astype(np.float32)
PROBABILITIES = np.exp(LOGITS.astype(np.float64))
PROBABILITIES /= PROBABILITIES.sum(-1, keepdims=True)
WEIGHTS = [None, np.ones(7), RNG.uniform(size=7), np.array([1, 0, 0, 3, 0, 0.5, 1])]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_cross_entropy_is_the_log_loss(weights: np.ndarray | None) -> None:
    wanted = metrics.log_loss(LABELS, PROBABILITIES, sample_weight=weights, labels=[0, 1, 2])
    loss = CrossEntropy(reduction="weighted_mean")(LABELS, LOGITS, weights)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
    loss = CrossEntropy(from_logits=False, reduction="weighted_mean")(
        LABELS, PROBABILITIES.astype(np.float32), weights
    )
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_mean_squared_error(weights: np.ndarray | None) -> None:
    target = RNG.normal(size=LOGITS.shape).astype(np.float32)
    wanted = metrics.mean_squared_error(target, LOGITS, sample_weight=weights)
    loss = MeanSquaredError(reduction="weighted_mean")(target, LOGITS, weights)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
