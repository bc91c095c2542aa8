"""Metrics of numbers against torchmetrics in float64, to 1e-6, in uneven batches."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.numbers import EXAMPLES, float64, measured, numbers
from treexlite import metrics as ours

torch = pytest.importorskip("torch", reason="torch is not installed")
theirs = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data without weights, which torchmetrics does not take."""
    return {**data, "weights": None}


def expected(metric: Any, data: dict[str, Any]) -> np.ndarray:
    metric.set_dtype(torch.float64)
    target, preds = map(torch.from_numpy, float64(data))
    for rows in np.split(np.arange(EXAMPLES), data["cuts"]):
        metric.update(preds[rows], target[rows])
    return np.asarray(metric.compute())


@pytest.mark.parametrize(
    ("metric", "other"),
    [
        (ours.MeanSquaredError, "MeanSquaredError"),
        (ours.MeanAbsoluteError, "MeanAbsoluteError"),
        (ours.R2Score, "R2Score"),
        (ours.ExplainedVariance, "ExplainedVariance"),
        (ours.PearsonCorrelation, "PearsonCorrCoef"),
        (lambda: ours.SpearmanCorrelation(capacity=EXAMPLES), "SpearmanCorrCoef"),
    ],
)
@settings(max_examples=examples(8), deadline=None)
@given(data=numbers())
def test_one_output(metric: Any, other: str, data: dict[str, Any]) -> None:
    data = plain(data)
    # Squares of numbers around 1e4 leave torchmetrics no more than half of its 16 digits.
    wanted = expected(getattr(theirs, other)(), data)
    np.testing.assert_allclose(measured(metric(), data), wanted, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("multioutput", ["raw_values", "variance_weighted"])
@settings(max_examples=examples(6), deadline=None)
@given(data=numbers(outputs=3))
def test_several_outputs(multioutput: Any, data: dict[str, Any]) -> None:
    data = plain(data)
    wanted = expected(theirs.PearsonCorrCoef(num_outputs=3), data)
    found = measured(ours.PearsonCorrelation(num_outputs=3), data)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-6)
    wanted = expected(theirs.R2Score(multioutput=multioutput), data)
    found = measured(ours.R2Score(3, multioutput=multioutput), data)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-6)


def test_extremes() -> None:
    values = np.array([3.0, -1.0, 2.0], np.float32)
    for metric, other in (ours.Max(), theirs.MaxMetric()), (ours.Min(), theirs.MinMetric()):
        for value in values:
            metric.update(values=value[None])
            other.update(torch.tensor(value))
        assert float(metric.compute()) == float(other.compute())
