"""Metrics between numbers against scikit-learn, to 1e-6 relative, in uneven batches.

scikit-learn is given the same float32 numbers as float64. A score is 1 minus a ratio, so that near
0 it is compared to 1e-7, the last digit of 1.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.numbers import float64, measured, numbers
from treexlite import metrics as ours

theirs = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


@settings(max_examples=examples(15), deadline=None)
@given(data=numbers())
def test_errors(data: dict[str, Any]) -> None:
    target, preds = float64(data)
    for metric, function in [
        (ours.MeanSquaredError(), theirs.mean_squared_error),
        (ours.RootMeanSquaredError(), theirs.root_mean_squared_error),
        (ours.MeanAbsoluteError(), theirs.mean_absolute_error),
    ]:
        wanted = function(target, preds, sample_weight=data["weights"])
        np.testing.assert_allclose(measured(metric, data), wanted, rtol=1e-6)


@settings(max_examples=examples(10), deadline=None)
@given(data=numbers())
def test_relative_errors(data: dict[str, Any]) -> None:
    data = {**data, "target": abs(data["target"]) + 0.5, "preds": abs(data["preds"])}
    target, preds = float64(data)
    wanted = 100 * theirs.mean_absolute_percentage_error(
        target, preds, sample_weight=data["weights"]
    )
    found = measured(ours.MeanAbsolutePercentageError(), data)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    # Logarithms of large numbers have an error of their own, which their difference keeps.
    wanted = theirs.mean_squared_log_error(target, preds, sample_weight=data["weights"])
    found = measured(ours.MeanSquaredLogarithmicError(), data)
    rtol, atol = (1e-6, 0) if target.max() < 1000 else (0, 1e-9)
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)


@pytest.mark.parametrize("multioutput", ["uniform_average", "raw_values", "variance_weighted"])
@pytest.mark.parametrize("name", ["r2_score", "explained_variance"])
@settings(max_examples=examples(8), deadline=None)
@given(data=numbers(outputs=3))
def test_explained_variance(name: str, multioutput: Any, data: dict[str, Any]) -> None:
    target, preds = float64(data)
    function = theirs.r2_score if name == "r2_score" else theirs.explained_variance_score
    wanted = function(target, preds, sample_weight=data["weights"], multioutput=multioutput)
    found = measured(ours.get(name, num_outputs=3, multioutput=multioutput), data)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["r2_score", "explained_variance"])
@pytest.mark.parametrize("multioutput", ["uniform_average", "variance_weighted"])
def test_targets_that_do_not_vary(name: str, multioutput: Any) -> None:
    target = np.array([[1, 7, 7, 0.1], [2, 7, 7, 0.1], [4, 7, 7, 0.1]], np.float32)
    preds = np.array([[1, 7, 7, 0.1], [3, 7, 8, 0.1], [4, 7, 7, 0.1]], np.float32)
    function = theirs.r2_score if name == "r2_score" else theirs.explained_variance_score
    for columns in ([0, 1, 2, 3], [1, 2, 3]):
        wanted = function(target[:, columns], preds[:, columns], multioutput=multioutput)
        metric = ours.get(name, num_outputs=len(columns), multioutput=multioutput)
        for rows in (slice(0, 1), slice(1, 3)):
            metric.update(target[rows, columns], preds[rows, columns])
        np.testing.assert_allclose(metric.compute(), wanted, rtol=1e-6)
