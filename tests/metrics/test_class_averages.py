"""Averages of scores of classes."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import JaccardIndex, Precision, Recall
from treexlite.metrics._class_averages import divide, mean_of_defined

LABELS = np.array([0, 0, 0, 1])
PREDICTED = np.array([0, 0, 1, 1])  # class 2 is neither true nor predicted


@pytest.mark.parametrize(
    ("average", "wanted"),
    [
        ("none", [1, 0.5, 0]),
        (None, [1, 0.5, 0]),
        ("micro", 0.75),
        ("macro", 0.5),
        ("auto", 0.5),
        ("weighted", 0.875),
    ],
)
def test_averages(average: Any, wanted: Any) -> None:
    metric = Precision(num_classes=3, average=average)
    np.testing.assert_array_equal(metric(LABELS, PREDICTED), wanted)


def test_without_classes_the_score_is_that_of_yes() -> None:
    assert Precision()(LABELS, PREDICTED) == 0.5
    assert Precision(num_classes=2, average="binary")(LABELS, PREDICTED) == 0.5
    assert Precision(num_classes=2)(LABELS, PREDICTED) == 0.75
    assert Precision().average == "binary"
    assert Precision(num_labels=2).average == "macro"


@pytest.mark.parametrize(("zero_division", "macro"), [(0, 0.5), (1, 2.5 / 3), (math.nan, 0.75)])
def test_a_class_without_a_score_has_the_one_that_is_asked_for(
    zero_division: float, macro: float
) -> None:
    options: Any = {"num_classes": 3, "zero_division": zero_division}
    np.testing.assert_allclose(Precision(**options)(LABELS, PREDICTED), macro, rtol=1e-6)
    each = Precision(**options, average="none")(LABELS, PREDICTED)
    np.testing.assert_array_equal(each, [1, 0.5, zero_division])


def test_nothing_seen_has_no_value_whatever_zero_division_is() -> None:
    metric = Recall(zero_division=1.0)
    assert jnp.isnan(metric.compute())
    assert jnp.isnan(metric(LABELS, PREDICTED, np.zeros(4)))
    assert metric(np.zeros(4, int), PREDICTED) == 1


def test_metrics_that_leave_classes_out_are_merged() -> None:
    first, second = (JaccardIndex(num_classes=3, zero_division=float("nan")) for _ in range(2))
    merged = first.update(LABELS, PREDICTED).merge_with(second.update(LABELS, PREDICTED))
    assert merged.compute() == first.compute()


def test_a_division_by_zero_gives_what_is_asked_for() -> None:
    quotients = divide(jnp.array([1.0, 0.0, 1.0]), jnp.array([2.0, 0.0, 0.0]), 7.0)
    np.testing.assert_array_equal(quotients, [0.5, 7, 7])


def test_a_mean_leaves_nan_out() -> None:
    values = jnp.array([1.0, jnp.nan, 4.0])
    assert mean_of_defined(values, jnp.array([2.0, 9.0, 1.0])) == 2
    assert mean_of_defined(values, jnp.array([0.0, 9.0, 0.0])) == 2.5
    assert jnp.isnan(mean_of_defined(values[1:2], jnp.ones(1)))


def test_an_unknown_average_is_refused() -> None:
    message = "Precision: expected `average` to be one of 'auto', .*, received average='mean'. Take"
    with pytest.raises(ArgumentError, match=message):
        Precision(average="mean")  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"num_classes": 3}, {"num_labels": 2}])
def test_more_than_two_classes_have_no_binary_score(options: Any) -> None:
    message = "Precision: expected two classes for average='binary', .* received more classes, or"
    with pytest.raises(ArgumentError, match=message):
        Precision(average="binary", **options)


@pytest.mark.parametrize("zero_division", [0.5, "warn", None])
def test_other_scores_for_no_score_are_refused(zero_division: Any) -> None:
    message = "Precision: expected `zero_division` to be 0, 1 or NaN, received zero_division="
    with pytest.raises(ArgumentError, match=message):
        Precision(zero_division=zero_division)
