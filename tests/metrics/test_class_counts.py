"""What metrics of counts share: their state, what is never right, and what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import metrics as m
from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.metrics import _sums
from treexlite.metrics._class_counts import OneVsRest

LABELS = np.array([0, 1, 2, 1])
PREDICTED = np.array([0, 1, 1, 2])
PLAIN = [m.Precision, m.MatthewsCorrelation, m.CohenKappa, m.BalancedAccuracy, m.ConfusionMatrix]


class Outcomes(OneVsRest):
    """Returns the four outcomes of each class, as rows."""

    def score(self) -> jax.Array:
        return jnp.stack(self.outcomes())


def test_each_class_has_four_outcomes() -> None:
    wanted = [[1, 1, 0], [0, 1, 1], [0, 1, 1], [3, 1, 2]]
    np.testing.assert_array_equal(Outcomes(num_classes=3)(LABELS, PREDICTED), wanted)
    weights = np.array([2, 1, 0.5, 0.25])
    wanted = [[2, 1, 0], [0, 0.5, 0.25], [0, 0.25, 0.5], [1.75, 2, 3]]
    np.testing.assert_array_equal(Outcomes(num_classes=3)(LABELS, PREDICTED, weights), wanted)


def test_each_label_has_four_outcomes() -> None:
    target, preds = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 1], [0, 1], [0, 1]])
    wanted = [[1, 1], [0, 2], [1, 0], [1, 0]]
    np.testing.assert_array_equal(Outcomes(num_labels=2)(target, preds), wanted)
    wanted = [[1, 0], [0, 5], [0, 0], [4, 0]]
    np.testing.assert_array_equal(
        Outcomes(num_labels=2)(target, preds, np.array([1, 0, 4])), wanted
    )


def test_axes_before_the_labels_are_examples() -> None:
    target = np.array([[[1, 0], [1, 1]], [[0, 0], [0, 1]]])
    weights = np.array([[1, 2], [3, 4]])
    one_by_one = Outcomes(num_labels=2)(target.reshape(4, 2), target.reshape(4, 2), weights.ravel())
    np.testing.assert_array_equal(Outcomes(num_labels=2)(target, target, weights), one_by_one)
    images = Outcomes(num_classes=2)(target, target, np.array([1, 0]))
    np.testing.assert_array_equal(images, [[1, 3], [0, 0], [0, 0], [3, 1]])


def test_counts_are_exact_beyond_float32() -> None:
    metric = m.ConfusionMatrix()
    metric.counts = jnp.full((2, 2, 2), 2**24, jnp.float32) * jnp.array([1, 0])[:, None, None]
    metric.update(np.array([1, 1, 1]), np.array([1, 1, 0]))
    counts = np.asarray(metric.counts, np.float64).sum(0) - 2**24
    np.testing.assert_array_equal(counts, [[0, 0], [1, 2]])


def test_nothing_is_left_over_where_no_negative_is() -> None:
    weights = np.random.default_rng(5).lognormal(0, 5, 64).astype(np.float32)
    yes, said = np.ones(64, int), np.arange(64) % 2
    metric = m.Specificity(zero_division=np.nan).update(yes, said, weights)
    assert jnp.isnan(metric.score())  # and not the quotient of two rounding errors, 1


@pytest.mark.parametrize("make", PLAIN)
@pytest.mark.parametrize("classes", [None, 3])
def test_a_prediction_with_a_nan_is_never_right(make: Any, classes: Any) -> None:
    number = classes or 2
    target = np.arange(number)
    shape = (number,) if classes is None else (number, number)
    metric, wanted = make(num_classes=classes), make(num_classes=classes)
    got = metric(target, np.full(shape, np.nan, np.float32))
    np.testing.assert_array_equal(got, wanted(target, (target + 1) % number))
    assert np.trace(np.atleast_2d(got)) <= 0


def test_a_label_with_a_nan_is_never_right() -> None:
    target = np.array([[1, 0], [1, 1]])
    scores = np.array([[np.nan, 0.2], [0.9, np.nan]], np.float32)
    matrix = m.MultilabelConfusionMatrix(num_labels=2)(target, scores)
    np.testing.assert_array_equal(matrix, [[[0, 0], [1, 1]], [[1, 0], [1, 0]]])
    matrix = m.MultilabelConfusionMatrix(num_labels=2)(1 - target, scores)
    np.testing.assert_array_equal(matrix, [[[0, 2], [0, 0]], [[0, 1], [1, 0]]])


@pytest.mark.parametrize("make", PLAIN)
@pytest.mark.parametrize("target", [np.array([0, 3]), np.array([-1, 0])])
def test_a_label_without_a_class_is_refused_or_nan_when_traced(make: Any, target: Any) -> None:
    metric, preds = make(num_classes=3), np.array([0, 1])
    with pytest.raises(RangeError, match=f"{make.__name__}: expected labels from 0 to 2"):
        metric.update(target, preds)
    assert not np.asarray(metric.total).any()
    traced = jax.jit(lambda metric, *batch: metric.update(*batch))
    for batch in ((target, preds), (preds, target)):
        assert jnp.isnan(traced(make(num_classes=3), *batch).compute()).all()
    hidden = traced(make(num_classes=3), target, preds, np.array([target[0] == 0, target[1] == 0]))
    assert not jnp.isnan(_sums.value(hidden.total))


def test_the_state_of_most_metrics_does_not_grow_with_pairs_of_classes() -> None:
    classes = 50_000
    metric = m.F1(num_classes=classes, average="micro")
    assert metric(np.array([49_999, 7]), np.array([49_999, 8])) == 0.5
    assert metric.counts.size == 2 * 3 * classes


def test_classes_and_labels_are_not_both_given() -> None:
    message = "F1: expected either `num_classes` or `num_labels`, received num_classes=2, num_lab"
    with pytest.raises(ArgumentError, match=message):
        m.F1(num_classes=2, num_labels=2)


@pytest.mark.parametrize("number", [1, -3, 2.0, True, "3"])
def test_the_number_of_classes_is_a_whole_number(number: Any) -> None:
    message = "Recall: expected `num_classes` to be a whole number, at least 2, received num_class"
    with pytest.raises(ArgumentError, match=message):
        m.Recall(num_classes=number)


@pytest.mark.parametrize("number", [0, -3, 2.0, True])
def test_the_number_of_labels_is_a_whole_number(number: Any) -> None:
    message = "Recall: expected `num_labels` to be a whole number, at least 1, received num_labels"
    with pytest.raises(ArgumentError, match=message):
        m.Recall(num_labels=number)


def test_what_is_refused_leaves_the_counts_as_they_were() -> None:
    metric = m.Precision(num_labels=2)
    metric.update(np.array([[1, 0]]), np.array([[1, 0]]))
    before = np.asarray(metric.counts)
    with pytest.raises(ShapeError, match="Precision: expected `target` and `preds` of one shape"):
        metric.update(np.array([[1, 0]]), np.array([[1, 0, 1]]))
    np.testing.assert_array_equal(metric.counts, before)


def test_numbers_may_be_those_of_numpy() -> None:
    assert m.F1(num_classes=LABELS.max() + 1)(LABELS, LABELS) == 1
    assert m.TopKAccuracy(np.int64(1)).k == 1
