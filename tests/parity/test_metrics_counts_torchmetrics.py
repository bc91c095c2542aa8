"""Metrics made of counts against torchmetrics, to 1e-6; it takes no weights."""

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

torch = pytest.importorskip("torch", reason="torch is not installed")
theirs = pytest.importorskip(
    "torchmetrics.functional.classification", reason="torchmetrics is not installed"
)


def assert_same(metric: Any, function: str, drawn: Examples, **options: Any) -> None:
    wanted = getattr(theirs, function)(
        torch.as_tensor(drawn.scores), torch.as_tensor(drawn.true), **options
    )
    np.testing.assert_allclose(drawn.measure(metric), wanted.numpy(), rtol=1e-6, atol=1e-6)


SCORES = [
    (ours.Precision, "precision"),
    (ours.Recall, "recall"),
    (ours.Specificity, "specificity"),
    (ours.F1, "f1_score"),
    (ours.JaccardIndex, "jaccard_index"),
]
by_score = pytest.mark.parametrize(("make", "function"), SCORES, ids=[row[1] for row in SCORES])


@by_score
@pytest.mark.parametrize("average", ["micro", "weighted", "none"])
@settings(max_examples=examples(8))
@given(classes=of_classes(weighted=False), labels=of_labels(weighted=False))
def test_scores(
    make: Any, function: str, average: Any, classes: Examples, labels: Examples
) -> None:
    metric = make(num_classes=CLASSES, average=average)
    options = {"num_classes": CLASSES, "average": average}
    assert_same(metric, f"multiclass_{function}", classes, **options)
    if function != "jaccard_index" or average != "weighted" or labels.true.any():
        metric = make(num_labels=CLASSES, average=average)
        options = {"num_labels": CLASSES, "average": average}
        assert_same(metric, f"multilabel_{function}", labels, **options)


@by_score
@settings(max_examples=examples(8))
@given(drawn=of_yes_or_no(weighted=False))
def test_scores_of_yes_or_no(make: Any, function: str, drawn: Examples) -> None:
    assert_same(make(), f"binary_{function}", drawn)


@settings(max_examples=examples(15))
@given(drawn=of_classes(weighted=False))
def test_metrics_of_classes(drawn: Examples) -> None:
    size = {"num_classes": CLASSES}
    assert_same(ours.ConfusionMatrix(**size), "multiclass_confusion_matrix", drawn, **size)
    options = {**size, "top_k": 2, "average": "micro"}
    assert_same(ours.TopKAccuracy(2), "multiclass_accuracy", drawn, **options)
    kappa = ours.CohenKappa(**size, weights="linear")
    assert_same(kappa, "multiclass_cohen_kappa", drawn, **size, weights="linear")
    if len(np.unique(drawn.true)) > 1 and len(np.unique(drawn.predicted)) > 1:
        correlation = ours.MatthewsCorrelation(**size)
        assert_same(correlation, "multiclass_matthews_corrcoef", drawn, **size)


@settings(max_examples=examples(10))
@given(drawn=of_labels(weighted=False))
def test_metrics_of_labels(drawn: Examples) -> None:
    size = {"num_labels": CLASSES}
    assert_same(ours.MultilabelAccuracy(), "multilabel_exact_match", drawn, **size)
    assert_same(ours.HammingLoss(), "multilabel_hamming_distance", drawn, **size, average="micro")
    matrix = ours.MultilabelConfusionMatrix(**size)
    assert_same(matrix, "multilabel_confusion_matrix", drawn, **size)
