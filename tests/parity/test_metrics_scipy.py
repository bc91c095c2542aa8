"""Correlations and spread against SciPy and NumPy in float64, to 1e-6, in uneven batches."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.numbers import EXAMPLES, float64, measured, numbers
from treexlite import metrics as ours

stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")


def repeated(data: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return examples as often as their whole weights say."""
    target, preds = float64(data)
    weights = data["weights"]
    return (target, preds) if weights is None else (target.repeat(weights), preds.repeat(weights))


def whole(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data without weights that are no repetitions."""
    weights = data["weights"]
    is_whole = weights is not None and weights.dtype.kind == "i"
    return data if is_whole else {**data, "weights": None}


@settings(max_examples=examples(15), deadline=None)
@given(data=numbers())
def test_pearson(data: dict[str, Any]) -> None:
    data = whole(data)
    wanted = stats.pearsonr(*repeated(data)).statistic
    found = measured(ours.PearsonCorrelation(), data)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@settings(max_examples=examples(15), deadline=None)
@given(data=numbers())
def test_spearman(data: dict[str, Any]) -> None:
    data = whole(data)
    data = {**data, "target": np.round(data["target"]), "preds": np.round(data["preds"])}  # ties
    wanted = stats.spearmanr(*repeated(data)).statistic
    found = measured(ours.SpearmanCorrelation(capacity=EXAMPLES), data)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@settings(max_examples=examples(15), deadline=None)
@given(data=numbers())
def test_weighted_pearson_and_concordance(data: dict[str, Any]) -> None:
    target, preds = float64(data)
    (xx, xy), (_, yy) = np.cov(target, preds, aweights=data["weights"], ddof=0)
    apart = np.average(target, weights=data["weights"]) - np.average(preds, weights=data["weights"])
    found = measured(ours.ConcordanceCorrelation(), data)
    np.testing.assert_allclose(found, 2 * xy / (xx + yy + apart**2), rtol=1e-6, atol=1e-6)
    found = measured(ours.PearsonCorrelation(), data)
    np.testing.assert_allclose(found, xy / np.sqrt(xx * yy), rtol=1e-6, atol=1e-6)


@settings(max_examples=examples(15), deadline=None)
@given(data=numbers())
def test_spread(data: dict[str, Any]) -> None:
    preds = float64(data)[1]
    wanted = np.cov(preds, aweights=data["weights"], ddof=0)
    np.testing.assert_allclose(measured(ours.Variance(), data), wanted, rtol=1e-6)
    np.testing.assert_allclose(measured(ours.Std(), data), np.sqrt(wanted), rtol=1e-6)
    data = whole(data)
    wanted = repeated(data)[1].var(ddof=1)
    np.testing.assert_allclose(measured(ours.Variance(ddof=1), data), wanted, rtol=1e-6)
