"""Metrics made of counts against scikit-learn, to 1e-6, with weights and degenerate classes."""

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.class_examples import (
    CLASSES,
    Examples,
    of_classes,
    of_labels,
    of_yes_or_no,
)
from treexlite import metrics as ours

theirs = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

ALL = list(range(CLASSES))
ZERO_DIVISIONS = [0.0, 1.0, math.nan]
SCORES = [
    ("precision", ours.Precision, "precision_score", {}),
    ("recall", ours.Recall, "recall_score", {}),
    ("f1", ours.F1, "f1_score", {}),
    ("dice", ours.DiceScore, "f1_score", {}),
    ("f0", partial(ours.FBeta, 0), "fbeta_score", {"beta": 0}),
    ("f2", partial(ours.FBeta, 2), "fbeta_score", {"beta": 2}),
    ("jaccard", ours.JaccardIndex, "jaccard_score", {}),
]
AVERAGES = ["micro", "macro", "weighted", "none"]
by_score = pytest.mark.parametrize(
    ("make", "function", "options"),
    [row[1:] for row in SCORES],
    ids=[row[0] for row in SCORES],
)


def assert_same(got: Any, function: str, drawn: Examples, **options: Any) -> None:
    weights = None if drawn.weights is None else drawn.weights.astype(np.float64)  # else it rounds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of degenerate classes
        wanted = getattr(theirs, function)(
            drawn.true, drawn.predicted, sample_weight=weights, **options
        )
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


def seen_classes(drawn: Examples) -> set[int]:
    """Return the classes of the examples that weigh anything."""
    return set(drawn.true if drawn.weights is None else drawn.true[drawn.weights > 0])


def zero_divisions(function: str) -> st.SearchStrategy[float]:
    """Draw what to put for 0/0; scikit-learn's `jaccard_score` refuses NaN."""
    return st.sampled_from(ZERO_DIVISIONS[:2] if function == "jaccard_score" else ZERO_DIVISIONS)


@by_score
@settings(max_examples=examples(20))
@given(drawn=of_classes(), of_scores=st.booleans(), data=st.data())
def test_scores_of_classes(
    make: Any, function: str, options: Any, drawn: Examples, of_scores: bool, data: Any
) -> None:
    average = data.draw(st.sampled_from(AVERAGES))
    division = data.draw(zero_divisions(function))
    metric = make(num_classes=CLASSES, average=average, zero_division=division)
    options = {**options, "average": None if average == "none" else average, "labels": ALL}
    got = drawn.measure(metric, of_scores)
    assert_same(got, function, drawn, zero_division=division, **options)


@by_score
@settings(max_examples=examples(20))
@given(drawn=of_labels(), of_scores=st.booleans(), data=st.data())
def test_scores_of_labels(
    make: Any, function: str, options: Any, drawn: Examples, of_scores: bool, data: Any
) -> None:
    average = data.draw(st.sampled_from(AVERAGES))
    division = data.draw(zero_divisions(function))
    metric = make(num_labels=CLASSES, average=average, zero_division=division)
    options = {**options, "average": None if average == "none" else average}
    got = drawn.measure(metric, of_scores)
    assert_same(got, function, drawn, zero_division=division, **options)


@by_score
@settings(max_examples=examples(15))
@given(drawn=of_yes_or_no(), of_scores=st.booleans(), data=st.data())
def test_scores_of_yes_or_no(
    make: Any, function: str, options: Any, drawn: Examples, of_scores: bool, data: Any
) -> None:
    average = data.draw(st.sampled_from(["binary", "macro"]))
    division = data.draw(zero_divisions(function))
    got = drawn.measure(make(average=average, zero_division=division), of_scores)
    options = {**options, "average": average, "zero_division": division}
    assert_same(
        got, function, drawn, **options, **({"labels": [0, 1]} if average == "macro" else {})
    )


@settings(max_examples=examples(20))
@given(drawn=of_yes_or_no(), division=st.sampled_from(ZERO_DIVISIONS))
def test_specificity_is_the_recall_of_no(drawn: Examples, division: float) -> None:
    got = drawn.measure(ours.Specificity(zero_division=division))
    assert_same(got, "recall_score", drawn, pos_label=0, zero_division=division)


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@settings(max_examples=examples(10))
@given(drawn=of_classes(), of_scores=st.booleans())
def test_confusion_matrix(normalize: Any, drawn: Examples, of_scores: bool) -> None:
    metric = ours.ConfusionMatrix(num_classes=CLASSES, normalize=normalize)
    got = drawn.measure(metric, of_scores)
    assert_same(got, "confusion_matrix", drawn, labels=ALL, normalize=normalize)


@settings(max_examples=examples(15))
@given(drawn=of_labels(), of_scores=st.booleans())
def test_multilabel_confusion_matrix(drawn: Examples, of_scores: bool) -> None:
    got = drawn.measure(ours.MultilabelConfusionMatrix(num_labels=CLASSES), of_scores)
    assert_same(got, "multilabel_confusion_matrix", drawn)


COEFFICIENTS: list[tuple[str, Callable[..., Any], str, dict[str, Any]]] = [
    ("matthews", ours.MatthewsCorrelation, "matthews_corrcoef", {}),
    ("balanced", ours.BalancedAccuracy, "balanced_accuracy_score", {}),
    (
        "adjusted",
        partial(ours.BalancedAccuracy, adjusted=True),
        "balanced_accuracy_score",
        {"adjusted": True},
    ),
    ("zero-one", ours.ZeroOneLoss, "zero_one_loss", {}),
]


@pytest.mark.parametrize(
    ("make", "function", "options"),
    [row[1:] for row in COEFFICIENTS],
    ids=[row[0] for row in COEFFICIENTS],
)
@settings(max_examples=examples(20))
@given(drawn=st.one_of(of_classes(), of_yes_or_no()))
def test_coefficients(make: Any, function: str, options: Any, drawn: Examples) -> None:
    several = drawn.scores.ndim == 2 and make is not ours.ZeroOneLoss
    metric = make(num_classes=CLASSES) if several else make()
    got = drawn.measure(metric)
    if "adjusted" in options and len(seen_classes(drawn)) == 1:
        assert np.isnan(got)  # there, the quotient of something and 0
    else:
        assert_same(got, function, drawn, **options)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@settings(max_examples=examples(15))
@given(drawn=of_classes())
def test_cohen_kappa(weights: Any, drawn: Examples) -> None:
    got = drawn.measure(ours.CohenKappa(num_classes=CLASSES, weights=weights))
    assert_same(got, "cohen_kappa_score", drawn, weights=weights, labels=ALL)


@settings(max_examples=examples(15))
@given(drawn=of_labels(), of_scores=st.booleans())
def test_multilabel_accuracies(drawn: Examples, of_scores: bool) -> None:
    assert_same(drawn.measure(ours.MultilabelAccuracy(), of_scores), "accuracy_score", drawn)
    assert_same(drawn.measure(ours.HammingLoss(), of_scores), "hamming_loss", drawn)
    hamming = drawn.measure(ours.MultilabelAccuracy("hamming"), of_scores)
    assert_same(1 - hamming, "hamming_loss", drawn)


@pytest.mark.parametrize("k", [1, 2, 3])
@settings(max_examples=examples(10))
@given(drawn=of_classes())
def test_top_k_accuracy(k: int, drawn: Examples) -> None:
    drawn_scores = drawn._replace(predicted=drawn.scores)
    got = drawn.measure(ours.TopKAccuracy(k))
    assert_same(got, "top_k_accuracy_score", drawn_scores, k=k, labels=ALL)


def test_scores_of_a_hundred_thousand_examples() -> None:
    rng = np.random.default_rng(0)
    true = rng.choice(CLASSES, 100_000, p=[0.9989, 0.001, 0.0001, 0])
    predicted = np.where(rng.random(true.size) < 0.8, true, rng.integers(0, CLASSES, true.size))
    weights = rng.lognormal(0, 2, true.size).astype(np.float32)
    drawn = Examples(true, predicted, predicted, weights, (0, true.size))
    for make, function in [
        (ours.MatthewsCorrelation, "matthews_corrcoef"),
        (ours.CohenKappa, "cohen_kappa_score"),
    ]:
        assert_same(drawn.measure(make(num_classes=CLASSES)), function, drawn)
    each = drawn.measure(ours.F1(num_classes=CLASSES, average="none"))
    assert_same(each, "f1_score", drawn, average=None, labels=ALL)
