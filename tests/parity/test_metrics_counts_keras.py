"""Metrics made of counts against Keras, to 1e-6, with weights, over batches of unequal size."""

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.class_examples import (
    CLASSES,
    Examples,
    of_classes,
    of_labels,
    of_yes_or_no,
)
from treexlite import metrics as ours

os.environ.setdefault("KERAS_BACKEND", "jax")
theirs = pytest.importorskip("keras", reason="Keras is not installed").metrics


def assert_same(metric: Any, other: Any, drawn: Examples, **arrays: np.ndarray) -> None:
    """Compare ours with Keras's, which sees `arrays` where they differ from what ours sees."""
    true, preds = arrays.get("true", drawn.true), arrays.get("preds", drawn.scores)
    other.update_state(true, preds, sample_weight=drawn.weights)
    wanted = np.asarray(other.result())
    np.testing.assert_allclose(drawn.measure(metric), wanted, rtol=1e-6, atol=1e-6)


@settings(max_examples=examples(10))
@given(drawn=of_classes())
def test_accuracies_of_classes(drawn: Examples) -> None:
    one_hot = np.eye(CLASSES, dtype=np.float32)[drawn.true]
    assert_same(ours.CategoricalAccuracy(), theirs.SparseCategoricalAccuracy(), drawn)
    both = drawn._replace(true=one_hot)
    assert_same(ours.CategoricalAccuracy(), theirs.CategoricalAccuracy(), both)
    assert_same(ours.TopKAccuracy(2), theirs.SparseTopKCategoricalAccuracy(k=2), drawn)
    assert_same(ours.TopKAccuracy(3), theirs.TopKCategoricalAccuracy(k=3), both)


@settings(max_examples=examples(10))
@given(drawn=of_classes())
def test_mean_iou(drawn: Examples) -> None:
    metric = ours.MeanIoU(num_classes=CLASSES)
    other = theirs.MeanIoU(CLASSES, dtype="float32")  # or it cuts weights to whole numbers
    assert_same(metric, other, drawn, preds=drawn.predicted)
    each = ours.JaccardIndex(num_classes=CLASSES, average="none")
    seen = np.union1d(drawn.true, drawn.predicted)
    if drawn.weights is None and 1 in seen:
        other = theirs.IoU(CLASSES, [1])
        other.update_state(drawn.true, drawn.predicted)
        np.testing.assert_allclose(drawn.measure(each)[1], other.result(), rtol=1e-6)


@settings(max_examples=examples(10))
@given(drawn=of_yes_or_no())
def test_scores_of_yes_or_no(drawn: Examples) -> None:
    column = {"true": drawn.true[:, None], "preds": drawn.scores[:, None]}
    assert_same(ours.BinaryAccuracy(), theirs.BinaryAccuracy(), drawn, **column)
    assert_same(ours.Precision(threshold=0.25), theirs.Precision(thresholds=0.25), drawn)
    assert_same(ours.Recall(threshold=0.25), theirs.Recall(thresholds=0.25), drawn)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", "none"])
@settings(max_examples=examples(8))
@given(drawn=of_labels(weighted=False))
def test_f_scores_of_labels(average: Any, drawn: Examples) -> None:
    metric = ours.FBeta(2, num_labels=CLASSES, average=average)
    other = theirs.FBetaScore(
        beta=2.0, threshold=0.5, average=None if average == "none" else average
    )
    assert_same(metric, other, drawn)
