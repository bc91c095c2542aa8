"""Metrics against scikit-learn, to 1e-6 relative, in one batch and in several."""

import numpy as np
import pytest

from treexlite.metrics import Accuracy

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 100)
SCORES = (RNG.normal(size=(100, 3)) + 2 * np.eye(3)[LABELS]).astype(np.float32)
WEIGHTS = [None, RNG.uniform(size=100), RNG.integers(0, 3, 100)]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_accuracy_score(weights: np.ndarray | None) -> None:
    predicted = SCORES.argmax(-1)
    wanted = metrics.accuracy_score(LABELS, predicted, sample_weight=weights)
    for preds in (SCORES, predicted):
        metric = Accuracy()
        for batch in np.split(np.arange(100), [1, 40, 90]):
            metric.update(LABELS[batch], preds[batch], None if weights is None else weights[batch])
        np.testing.assert_allclose(metric.compute(), wanted, rtol=1e-6)


def test_accuracy_score_of_yes_or_no_labels() -> None:
    labels, scores = LABELS > 0, SCORES[:, 1]
    wanted = metrics.accuracy_score(labels, scores > 0)
    np.testing.assert_allclose(Accuracy(threshold=0.0)(labels, scores), wanted, rtol=1e-6)
