"""What the first k items hold."""

import numpy as np
import pytest

from treexlite.metrics import HitRate, PrecisionAtK, RecallAtK

SCORES = np.array([[0.9, 0.7, 0.5, 0.3, 0.1]] * 2, np.float32)
TARGET = np.array([[0, 1, 0, 2, 1], [0, 0, 0, 1, 0]])


@pytest.mark.parametrize(
    ("k", "hits", "precision", "recall"),
    [
        (1, 0, 0, 0),
        (2, 1 / 2, 1 / 4, (1 / 3 + 0) / 2),
        (4, 1, (2 / 4 + 1 / 4) / 2, (2 / 3 + 1) / 2),
        (8, 1, (3 / 8 + 1 / 8) / 2, 1),
    ],
)
def test_relevant_items_among_the_first_k(
    k: int, hits: float, precision: float, recall: float
) -> None:
    for make, wanted in [(HitRate, hits), (PrecisionAtK, precision), (RecallAtK, recall)]:
        np.testing.assert_allclose(make(k)(TARGET, SCORES), wanted, rtol=1e-6)


def test_items_of_equal_score_are_among_the_first_k_together() -> None:
    target, scores = np.array([[1, 0, 1]]), np.array([[2.0, 2.0, 1.0]])
    assert HitRate(1)(target, scores) == PrecisionAtK(1)(target, scores) == 0
    assert HitRate(2)(target, scores) == 1
    assert PrecisionAtK(2)(target, scores) == RecallAtK(2)(target, scores) == 0.5
