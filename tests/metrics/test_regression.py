"""Means of errors between numbers."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import losses
from treexlite._errors import ArgumentError
from treexlite.metrics import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    RootMeanSquaredError,
)

TARGET = jnp.array([[1.0, 2.0], [4.0, -8.0], [5.0, 0.5]])
PREDS = jnp.array([[2.0, 2.0], [2.0, -4.0], [5.0, 1.0]])
WEIGHTS = jnp.array([1.0, 2.0, 0.0])


@pytest.mark.parametrize(
    ("metric", "plain", "weighted"),
    [
        (MeanSquaredError, (1 + 0 + 4 + 16 + 0 + 0.25) / 6, (1 + 2 * 20) / 6),
        (RootMeanSquaredError, np.sqrt((1 + 4 + 16 + 0.25) / 6), np.sqrt(41 / 6)),
        (MeanAbsoluteError, 7.5 / 6, (1 + 2 * 6) / 6),
        (MeanAbsolutePercentageError, 100 * (1 + 0.5 + 0.5 + 1) / 6, 100 * 3 / 6),
    ],
)
def test_every_number_counts_with_the_weight_of_its_example(
    metric: Any, plain: float, weighted: float
) -> None:
    np.testing.assert_allclose(metric()(TARGET, PREDS), plain, rtol=1e-6)
    np.testing.assert_allclose(metric()(TARGET, PREDS, WEIGHTS), weighted, rtol=1e-6)


def test_the_metric_is_the_loss_over_all_data() -> None:
    loss = losses.MeanSquaredError(reduction="weighted_mean")
    np.testing.assert_allclose(
        MeanSquaredError()(TARGET, PREDS, WEIGHTS), loss(TARGET, PREDS, WEIGHTS), rtol=1e-6
    )


def test_the_root_is_that_of_all_data() -> None:
    metric = RootMeanSquaredError()
    assert metric(jnp.zeros(1), jnp.ones(1)) == 1
    assert metric(jnp.zeros(1), jnp.array([7.0])) == 7
    assert metric.compute() == 5  # the mean of the roots is 4


def test_a_percentage_of_nothing_is_of_epsilon() -> None:
    assert MeanAbsolutePercentageError(epsilon=0.5)(jnp.zeros(1), jnp.ones(1)) == 200
    assert MeanAbsolutePercentageError()(jnp.zeros(1), jnp.zeros(1)) == 0


@pytest.mark.parametrize("epsilon", [0, -1, np.inf, np.nan, "1", True])
def test_epsilon_is_above_zero(epsilon: Any) -> None:
    message = "MeanAbsolutePercentageError: expected `epsilon` to be a finite number above 0"
    with pytest.raises(ArgumentError, match=message):
        MeanAbsolutePercentageError(epsilon=epsilon)


def test_small_numbers_keep_their_logarithms() -> None:
    small = MeanSquaredLogarithmicError()(jnp.zeros(1), jnp.array([1e-10]))
    np.testing.assert_allclose(small, 1e-20, rtol=1e-6)  # log(1 + 1e-10) is 0 in float32
    assert jnp.isnan(MeanSquaredLogarithmicError()(jnp.zeros(1), jnp.array([-1.5])))
