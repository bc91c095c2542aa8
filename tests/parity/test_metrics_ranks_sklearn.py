"""Curves, probabilities and rankings against scikit-learn, to 1e-6, in batches of unequal size.

The inputs are drawn by hypothesis: with ties, weights (some of them 0) and single classes.
"""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.metrics import (
    NDCG,
    BrierScore,
    ExactAUC,
    ExactAveragePrecision,
    LogLoss,
    MeanAveragePrecision,
    Metric,
)

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

SIZE = 24
CUTS = np.split(np.arange(SIZE), [1, 23])  # two sizes of batches, so that few are compiled


@st.composite
def data(draw: st.DrawFn) -> dict[str, Any]:
    """Labels, scores of which many or few are equal, probabilities, and perhaps weights."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = draw(st.sampled_from([2, 10, 10**6]))
    weights = [None, rng.uniform(0, 2, SIZE), rng.integers(0, 3, SIZE)]
    logits = rng.normal(size=(SIZE, 3))
    return {
        "labels": (rng.uniform(size=SIZE) < draw(st.sampled_from([0.1, 0.5, 0.9]))).astype(int),
        "scores": (rng.integers(0, steps + 1, SIZE) / steps).astype(np.float32),
        "classes": np.concatenate([[0, 1, 2], rng.integers(0, 3, SIZE - 3)]),
        "chances": (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float32),
        "weights": draw(st.sampled_from(weights)),
    }


def measure(metric: Metric, target: Any, preds: Any, weights: Any) -> Any:
    for batch in CUTS:
        metric.update(target[batch], preds[batch], None if weights is None else weights[batch])
    return metric.compute()


def assert_same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@settings(max_examples=examples(25))
@given(drawn=data())
def test_areas_and_average_precision(drawn: dict[str, Any]) -> None:
    labels, scores, weights = drawn["labels"], drawn["scores"], drawn["weights"]
    area = measure(ExactAUC(SIZE), labels, scores, weights)
    precision = measure(ExactAveragePrecision(SIZE), labels, scores, weights)
    counted = labels if weights is None else labels[weights > 0]
    if len(set(counted)) < 2:  # scikit-learn warns
        assert np.isnan(area)
        return
    assert_same(area, metrics.roc_auc_score(labels, scores, sample_weight=weights))
    wanted = metrics.average_precision_score(labels, scores, sample_weight=weights)
    assert_same(precision, wanted)


@settings(max_examples=examples(15))
@given(drawn=data())
def test_log_loss_and_brier_score(drawn: dict[str, Any]) -> None:
    labels, scores, weights = drawn["labels"], drawn["scores"], drawn["weights"]
    scores = scores.clip(1e-3, 1 - 1e-3)
    wanted = metrics.log_loss(labels, scores, sample_weight=weights, labels=[0, 1])
    assert_same(measure(LogLoss(), labels, scores, weights), wanted)
    wanted = metrics.brier_score_loss(labels, scores, sample_weight=weights, pos_label=1)
    assert_same(measure(BrierScore(), labels, scores, weights), wanted)
    classes, chances = drawn["classes"], drawn["chances"]
    wanted = metrics.log_loss(classes, chances, sample_weight=weights)
    assert_same(measure(LogLoss(), classes, chances, weights), wanted)
    wanted = np.square(chances - np.eye(3)[classes]).sum(-1)
    assert_same(
        measure(BrierScore(), classes, chances, weights), np.average(wanted, weights=weights)
    )


def test_a_certain_error_is_as_large_as_there() -> None:
    labels, chances = np.array([0, 1, 1]), np.array([1.0, 0.0, 0.5], np.float32)
    assert_same(LogLoss()(labels, chances), metrics.log_loss(labels, chances))


@pytest.mark.parametrize("k", [None, 2])
@settings(max_examples=examples(15))
@given(drawn=data())
def test_ndcg(k: int | None, drawn: dict[str, Any]) -> None:
    relevance, scores = drawn["classes"].reshape(6, 4), drawn["scores"].reshape(6, 4)
    weights = None if drawn["weights"] is None else drawn["weights"][:6] + 0.5
    wanted = metrics.ndcg_score(relevance, scores, k=k, sample_weight=weights)
    assert_same(NDCG(k, empty_target="zero")(relevance, scores, weights), wanted)


@settings(max_examples=examples(15))
@given(drawn=data())
def test_mean_average_precision(drawn: dict[str, Any]) -> None:
    relevant, scores = drawn["labels"].reshape(6, 4), drawn["scores"].reshape(6, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that nothing is relevant
        queries = zip(relevant, scores, strict=True)
        each = [metrics.average_precision_score(*query) for query in queries]
    assert_same(MeanAveragePrecision(empty_target="zero")(relevant, scores), np.mean(each))
    some = relevant[relevant.any(-1)], scores[relevant.any(-1)]
    if len(some[0]):
        wanted = metrics.label_ranking_average_precision_score(*some)
        assert_same(MeanAveragePrecision()(relevant, scores), wanted)
