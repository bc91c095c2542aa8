"""Each loss that scikit-learn has, with it: values and weights, to 1e-5 relative."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.losses import BATCH, SCALES, SEEDS, assert_same, draw
from treexlite import losses

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")

# scikit-learn has no mean over nothing, so some weight is not 0.
WEIGHTS = st.sampled_from([None, np.ones(BATCH), np.array([1, 0, 0.5, 2, 0, 3])])
MEAN: dict[str, Any] = {"reduction": "weighted_mean"}

# Our loss, scikit-learn's function of (target, preds), what is drawn.
ROWS: list[tuple[Any, Any, str]] = [
    (losses.MeanSquaredError(**MEAN), metrics.mean_squared_error, "numbers"),
    (losses.MeanAbsoluteError(**MEAN), metrics.mean_absolute_error, "numbers"),
    (
        losses.MeanAbsolutePercentageError(weight=0.01, **MEAN),
        metrics.mean_absolute_percentage_error,
        "positive",
    ),
    (
        losses.MeanSquaredLogarithmicError(**MEAN),
        metrics.mean_squared_log_error,
        "positive as positive",
    ),
    (
        losses.Quantile(0.3, **MEAN),
        lambda *batch, **options: metrics.mean_pinball_loss(*batch, alpha=0.3, **options),
        "numbers",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].name)
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES, weights=WEIGHTS)
def test_each_loss(row: Any, seed: int, scale: float, weights: Any) -> None:
    ours, theirs, kind = row
    target, preds = draw(kind, seed, scale)
    wanted = theirs(np.float64(target), np.float64(preds), sample_weight=weights)
    assert_same(ours(target, preds, weights), wanted)


@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES, weights=WEIGHTS)
def test_losses_of_yes_and_no(seed: int, scale: float, weights: Any) -> None:
    target, scores = (x[:, 0] for x in draw("yes-no", seed, scale))
    options: dict[str, Any] = {"labels": [0, 1], "sample_weight": weights}
    shares = 1 / (1 + np.exp(-np.float64(scores)))
    bounded = np.clip(shares, 1e-12, 1 - 1e-12)
    received = losses.BinaryCrossEntropy(**MEAN)(target, scores, weights)
    assert_same(received, metrics.log_loss(target, bounded, **options))
    if len(set(target)) == 2:  # scikit-learn takes an only class for the negative one
        received = losses.Hinge(**MEAN)(target, scores, weights)
        assert_same(received, metrics.hinge_loss(target, np.float64(scores), **options))


@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES, weights=WEIGHTS)
def test_the_poisson_deviance_is_twice_what_is_lost_to_the_best(
    seed: int, scale: float, weights: Any
) -> None:
    target, rates = (x[:, 0] for x in draw("counts as positive", seed, scale))
    loss = losses.Poisson(epsilon=1e-12, **MEAN)
    lost = 2 * (np.float64(loss(target, rates, weights)) - loss(target, target, weights))
    wanted = metrics.mean_poisson_deviance(target, np.float64(rates), sample_weight=weights)
    np.testing.assert_allclose(lost, wanted, rtol=1e-4, atol=1e-5)  # a difference of large ones
