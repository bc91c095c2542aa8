"""Confusion matrices."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import ConfusionMatrix, MultilabelConfusionMatrix

LABELS = np.array([0, 0, 1, 1, 1, 2])
PREDICTED = np.array([0, 1, 1, 1, 0, 1])


@pytest.mark.parametrize(
    ("normalize", "wanted"),
    [
        (None, [[1, 1, 0], [1, 2, 0], [0, 1, 0]]),
        ("true", [[1 / 2, 1 / 2, 0], [1 / 3, 2 / 3, 0], [0, 1, 0]]),
        ("pred", [[1 / 2, 1 / 4, 0], [1 / 2, 2 / 4, 0], [0, 1 / 4, 0]]),
        ("all", [[1 / 6, 1 / 6, 0], [1 / 6, 2 / 6, 0], [0, 1 / 6, 0]]),
    ],
)
def test_rows_are_true_and_columns_predicted(normalize: Any, wanted: Any) -> None:
    metric = ConfusionMatrix(num_classes=3, normalize=normalize)
    np.testing.assert_allclose(metric(LABELS, PREDICTED), wanted, rtol=1e-6)
    scores = np.eye(3, dtype=np.float32)[PREDICTED]
    np.testing.assert_allclose(metric(LABELS, scores), wanted, rtol=1e-6)


def test_yes_and_no_are_two_classes() -> None:
    target, scores = np.array([0, 1, 1]), np.array([-1.0, 2.0, -3.0])
    np.testing.assert_array_equal(ConfusionMatrix(threshold=0)(target, scores), [[1, 0], [1, 1]])


def test_counts_of_nothing_are_zero_and_shares_are_not_known() -> None:
    np.testing.assert_array_equal(ConfusionMatrix(num_classes=3).compute(), np.zeros((3, 3)))
    assert jnp.isnan(ConfusionMatrix(num_classes=3, normalize="all").compute()).all()
    matrices = MultilabelConfusionMatrix(num_labels=2).compute()
    np.testing.assert_array_equal(matrices, np.zeros((2, 2, 2)))


def test_each_label_has_a_matrix() -> None:
    target, preds = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 1], [0, 1], [0, 1]])
    matrices = MultilabelConfusionMatrix(num_labels=2)(target, preds, np.array([1, 2, 4]))
    np.testing.assert_array_equal(matrices, [[[4, 0], [2, 1]], [[0, 5], [0, 2]]])


def test_an_unknown_normalization_is_refused() -> None:
    message = "ConfusionMatrix: expected `normalize` to be 'true', 'pred', 'all' or None, received"
    with pytest.raises(ArgumentError, match=message):
        ConfusionMatrix(normalize="rows")  # type: ignore[arg-type]
