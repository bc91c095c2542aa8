"""Curves, calibration, texts and rankings against torchmetrics, to 1e-6, in unequal batches."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite import metrics as ours

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
theirs = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

SIZE = 24
CUTS = np.split(np.arange(SIZE), [1, 14])
SEEDS = st.integers(0, 2**32 - 1)


def assert_same(metric: Any, other: Any, target: Any, preds: Any) -> None:
    """Compare over batches."""
    for batch in CUTS:
        metric.update(target[batch], preds[batch])
        other.update(torch.tensor(preds[batch]), torch.tensor(target[batch]))
    np.testing.assert_allclose(metric.compute(), float(other.compute()), rtol=1e-6, atol=1e-6)


def draw(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([[0, 1], rng.integers(0, 2, SIZE - 2)])
    chances = rng.uniform(0.001, 0.999, SIZE).astype(np.float32)
    classes, logits = rng.integers(0, 3, SIZE), rng.normal(size=(SIZE, 3)).astype(np.float32)
    return labels, chances, classes, logits


@settings(max_examples=examples(10))
@given(seed=SEEDS)
def test_curves(seed: int) -> None:
    labels, chances, _, _ = draw(seed)
    few = (chances * 8).round().astype(np.float32) / 8
    for scores in (chances, few):
        assert_same(ours.ExactAUC(SIZE), theirs.AUROC("binary"), labels, scores)
        other = theirs.AveragePrecision("binary")
        assert_same(ours.ExactAveragePrecision(SIZE), other, labels, scores)
    other = theirs.AveragePrecision("binary", thresholds=50)
    assert_same(ours.AveragePrecision(50), other, labels, chances)
    assert_same(ours.AUC(50), theirs.AUROC("binary", thresholds=50), labels, chances)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@settings(max_examples=examples(10))
@given(seed=SEEDS)
def test_calibration_error(norm: Any, seed: int) -> None:
    labels, chances, classes, logits = draw(seed)
    other = theirs.CalibrationError("binary", n_bins=7, norm=norm)
    assert_same(ours.CalibrationError(7, norm=norm), other, labels, chances)
    other = theirs.CalibrationError("multiclass", n_bins=15, norm=norm, num_classes=3)
    softmax = torch.softmax(torch.tensor(logits), -1).numpy()
    assert_same(ours.CalibrationError(15, norm=norm), other, classes, softmax)


@settings(max_examples=examples(10))
@given(seed=SEEDS)
def test_perplexity(seed: int) -> None:
    _, _, classes, logits = draw(seed)
    target = np.where(np.arange(SIZE) % 5 == 0, -100, classes)[:, None]
    other = theirs.text.Perplexity(ignore_index=-100)
    assert_same(ours.Perplexity(-100), other, target, logits[:, None])


def words(rows: np.ndarray) -> list[str]:
    return [" ".join(str(token) for token in row if token) for row in rows]


@settings(max_examples=examples(10))
@given(seed=SEEDS, smooth=st.booleans())
@example(seed=0, smooth=True)
@example(seed=1, smooth=True)
def test_texts(seed: int, smooth: bool) -> None:
    rng = np.random.default_rng(seed)
    target, preds = rng.integers(0, 4, (4, 6)), rng.integers(0, 4, (4, 6))
    target[:, 0] = preds[:, 0] = 1  # none is empty
    bleu = theirs.text.BLEUScore(3, smooth=smooth)(words(preds), [[row] for row in words(target)])
    value = ours.BLEU(3, smoothing="add-k" if smooth else "none")(target, preds)
    if bleu > 0 or not smooth:  # theirs is 0 without a match of some order, smoothed or not
        np.testing.assert_allclose(value, bleu, rtol=1e-6)
    rate = theirs.text.WordErrorRate()(words(preds), words(target))
    np.testing.assert_allclose(ours.WordErrorRate()(target, preds), rate, rtol=1e-6)
    strings = [[row.replace(" ", "") for row in words(rows)] for rows in (preds, target)]
    distance = theirs.text.EditDistance()(*strings)
    np.testing.assert_allclose(ours.EditDistance()(target, preds), distance, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "name", "k"),
    [
        (ours.MeanReciprocalRank, "RetrievalMRR", None),
        (ours.MeanReciprocalRank, "RetrievalMRR", 2),
        (ours.MeanAveragePrecision, "RetrievalMAP", None),
        (ours.NDCG, "RetrievalNormalizedDCG", None),
        (ours.NDCG, "RetrievalNormalizedDCG", 3),
        (ours.HitRate, "RetrievalHitRate", 2),
        (ours.PrecisionAtK, "RetrievalPrecision", 2),
        (ours.RecallAtK, "RetrievalRecall", 2),
    ],
)
@pytest.mark.parametrize(("empty", "action"), [("skip", "skip"), ("zero", "neg")])
def test_rankings(make: Any, name: str, k: int | None, empty: Any, action: str) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3 if make is ours.NDCG else 2, (6, 4))
    target[2] = 0
    scores = rng.permuted(np.arange(1, 5, dtype=np.float32)[None].repeat(6, 0), axis=1)
    other = getattr(theirs.retrieval, name)(empty_target_action=action, top_k=k)
    queries = torch.arange(6)[:, None].expand(6, 4)
    other.update(torch.tensor(scores), torch.tensor(target), indexes=queries)
    options = {} if k is None else {"k": k}
    value = make(**options, empty_target=empty)(target, scores)
    np.testing.assert_allclose(value, float(other.compute()), rtol=1e-6)
