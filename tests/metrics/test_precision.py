"""Precision, recall and specificity."""

from typing import Any

import numpy as np
import pytest

from treexlite.metrics import Precision, Recall, Specificity

TARGET = np.array([1, 1, 1, 0, 0, 0, 0, 1])
SCORES = np.array([0.9, 0.8, 0.4, 0.7, 0.2, 0.1, 0.3, 0.6], np.float32)  # tp 3, fp 1, fn 1, tn 3


@pytest.mark.parametrize("make", [Precision, Recall, Specificity])
def test_scores_of_yes_or_no(make: Any) -> None:
    assert make()(TARGET, SCORES) == 0.75
    assert make()(TARGET[:, None], SCORES[:, None]) == 0.75
    assert make()(TARGET.reshape(2, 4), SCORES.reshape(2, 4)) == 0.75
    assert make()(TARGET.astype(bool), SCORES > 0.5) == 0.75
    assert make(threshold=-50.0)(TARGET, 100 * SCORES - 100) == 0.75


def test_weights_count_as_examples() -> None:
    weights = np.array([1, 1, 2, 4, 1, 1, 2, 2])  # tp 4, fp 4, fn 2, tn 4
    np.testing.assert_allclose(Precision()(TARGET, SCORES, weights), 1 / 2)
    np.testing.assert_allclose(Recall()(TARGET, SCORES, weights), 2 / 3)
    np.testing.assert_allclose(Specificity()(TARGET, SCORES, weights), 1 / 2)


def test_degenerate_data_have_the_score_zero() -> None:
    no, yes = np.zeros(3, int), np.ones(3, int)
    assert Precision()(yes, no) == Recall()(no, yes) == Specificity()(yes, no) == 0
    assert Precision(zero_division=1)(yes, no) == Specificity(zero_division=1)(yes, no) == 1


def test_a_score_of_each_class_may_be_given() -> None:
    two = np.stack([1 - SCORES, SCORES], -1)
    assert Precision(num_classes=2, average="binary")(TARGET, two) == 0.75
    np.testing.assert_array_equal(
        Specificity(num_classes=2, average="none")(TARGET, two),
        Recall(num_classes=2, average="none")(TARGET, two)[::-1],
    )
