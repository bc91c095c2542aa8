"""F scores."""

from typing import Any

import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import F1, DiceScore, FBeta, Precision, Recall

TARGET = np.array([1, 1, 1, 0, 0])
PREDICTED = np.array([1, 0, 0, 1, 0])  # tp 1, fp 1, fn 2


@pytest.mark.parametrize("make", [F1, DiceScore, lambda: FBeta(1)])
def test_f1_is_the_harmonic_mean_of_precision_and_recall(make: Any) -> None:
    p, r = Precision()(TARGET, PREDICTED), Recall()(TARGET, PREDICTED)
    np.testing.assert_allclose(make()(TARGET, PREDICTED), 2 * p * r / (p + r), rtol=1e-6)


def test_beta_leads_from_precision_to_recall() -> None:
    np.testing.assert_allclose(FBeta(0)(TARGET, PREDICTED), 1 / 2, rtol=1e-6)
    np.testing.assert_allclose(FBeta(2)(TARGET, PREDICTED), 5 / 14, rtol=1e-6)
    np.testing.assert_allclose(FBeta(1e20)(TARGET, PREDICTED), 1 / 3, rtol=1e-6)


@pytest.mark.parametrize("beta", [-1, np.inf, np.nan, "2", None])
def test_beta_is_a_number_of_at_least_zero(beta: Any) -> None:
    with pytest.raises(ArgumentError, match="FBeta: expected `beta` to be a number, at least 0"):
        FBeta(beta)


def test_scores_of_other_betas_are_not_merged() -> None:
    with pytest.raises(ValueError, match="FBeta: expected metrics built like this one"):
        FBeta(1).merge_with(FBeta(2))
