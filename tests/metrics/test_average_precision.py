"""`AveragePrecision` over thresholds and `ExactAveragePrecision`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import AveragePrecision, ExactAveragePrecision

LABELS = np.array([1, 0, 1, 1, 0, 1])
SCORES = np.array([0.75, 0.5, 0.25, 0.5, 0.875, 1.0], np.float32)


def test_it_is_the_mean_precision_at_the_yeses() -> None:
    # From the top: yes, no, yes, (no, yes), yes.
    wanted = (1 + 2 / 3 + 3 / 5 + 4 / 6) / 4
    np.testing.assert_allclose(ExactAveragePrecision(6)(LABELS, SCORES), wanted, rtol=1e-6)


def test_over_thresholds_it_is_exact_for_their_multiples() -> None:
    weights = np.array([1.0, 2.0, 0.5, 0.0, 3.0, 0.25], np.float32)
    for weight in (None, weights):
        wanted = ExactAveragePrecision(6)(LABELS, SCORES, weight)
        np.testing.assert_allclose(AveragePrecision(9)(LABELS, SCORES, weight), wanted, rtol=1e-6)


@pytest.mark.parametrize("make", [AveragePrecision, lambda: ExactAveragePrecision(6)])
def test_without_a_yes_there_is_no_value_and_without_a_no_it_is_one(make: type) -> None:
    assert jnp.isnan(make()(np.zeros(3, int), SCORES[:3]))
    assert make()(np.ones(3, int), SCORES[:3]) == 1


def test_a_nan_score_makes_the_value_nan() -> None:
    scores = np.where(np.arange(6) == 1, np.nan, SCORES)
    assert jnp.isnan(ExactAveragePrecision(6)(LABELS, scores))
    assert jnp.isnan(jax.jit(lambda *x: AveragePrecision()(*x))(LABELS, scores))


@pytest.mark.parametrize("make", [AveragePrecision, lambda: ExactAveragePrecision(6)])
def test_missing_targets_are_refused(make: type) -> None:
    with pytest.raises(ArgumentError, match="AveragePrecision: expected both `target` and `preds`"):
        make()(preds=SCORES)
