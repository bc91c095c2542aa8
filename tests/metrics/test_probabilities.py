"""Labels and probabilities are checked where they can be seen, and NaN where they cannot."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import DataError, RangeError, ShapeError
from treexlite.metrics import BrierScore, CalibrationError, LogLoss
from treexlite.metrics._probabilities import at_label, of_classes, probabilities, yes_or_no

SCORES = np.array([0.5, 0.25, 1.0], np.float32)
CLASSES = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float32)


@pytest.mark.parametrize("target", [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True]])
@pytest.mark.parametrize("columns", [(False, False), (True, False), (False, True), (True, True)])
def test_yes_or_no_takes_labels_of_any_dtype_and_columns(target: Any, columns: Any) -> None:
    given = np.array(target), SCORES
    given = tuple(x[:, None] if column else x for x, column in zip(given, columns, strict=True))
    labels, scores = yes_or_no("X", *map(jnp.asarray, given))
    np.testing.assert_array_equal(labels.ravel(), [0, 1, 1])
    np.testing.assert_array_equal(scores.ravel(), SCORES)
    assert labels.dtype == scores.dtype == jnp.float32


def test_yes_or_no_refuses_unequal_shapes() -> None:
    message = r"X: expected one label, 0 or 1, for each score, received target.shape=\(2,\)"
    with pytest.raises(ShapeError, match=message):
        yes_or_no("X", jnp.ones(2), jnp.ones(3))


@pytest.mark.parametrize("label", [2, -1, 0.5])
def test_a_label_is_zero_or_one_or_nan_when_traced(label: float) -> None:
    target = jnp.array([0, 1, label])
    with pytest.raises(
        RangeError, match="X: expected labels that are 0 or 1, received labels from"
    ):
        yes_or_no("X", target, jnp.asarray(SCORES))
    labels, _ = jax.jit(lambda *x: yes_or_no("X", *x))(target, SCORES)
    np.testing.assert_array_equal(labels, [0, 1, np.nan])


@pytest.mark.parametrize("wrong", [1.5, -0.5, np.nan])
def test_a_probability_is_in_its_range_or_nan_when_traced(wrong: float) -> None:
    chances = jnp.array([0.5, wrong])
    message = "X: expected probabilities, from 0 to 1, received preds from .* `from_logits=True`"
    with pytest.raises(RangeError, match=message):
        probabilities("X", chances)
    np.testing.assert_array_equal(jax.jit(lambda x: probabilities("X", x))(chances), [0.5, np.nan])


def test_rounding_does_not_make_a_probability_wrong() -> None:
    np.testing.assert_array_equal(probabilities("X", jnp.array([1 + 1e-6, -1e-6])), [1, 0])


@pytest.mark.parametrize("target", [[0, 1], [[0], [1]], np.eye(3)[:2]])
def test_labels_of_classes_may_be_columns_or_one_hot(target: Any) -> None:
    labels, chances = of_classes("X", jnp.asarray(target), jnp.asarray(CLASSES), False)
    np.testing.assert_array_equal(at_label(labels, chances), [0.5, 1])


def test_one_score_is_that_of_the_second_of_two_classes() -> None:
    target = jnp.array([0, 1, 0])
    labels, chances = of_classes("X", target, jnp.asarray(SCORES), False)
    np.testing.assert_array_equal(chances, np.stack([1 - SCORES, SCORES], -1))
    np.testing.assert_array_equal(labels, target)
    logits = jnp.array([-2.0, 0.0, 30.0])
    _, logs = of_classes("X", target, logits, True)
    np.testing.assert_allclose(logs[:, 1], jax.nn.log_sigmoid(logits), rtol=1e-6)
    np.testing.assert_allclose(logs[:, 0], jax.nn.log_sigmoid(-logits), rtol=1e-6)


def test_labels_of_classes_that_do_not_fit_are_refused() -> None:
    message = r"X: expected labels of shape \(2,\), or one-hot like `preds`, received target.shape"
    with pytest.raises(ShapeError, match=message):
        of_classes("X", jnp.array([0, 1, 2]), jnp.asarray(CLASSES), False)
    with pytest.raises(DataError, match="X: expected labels of an integer dtype, received target"):
        of_classes("X", jnp.array([0.0, 1.0]), jnp.asarray(CLASSES), False)


def test_rows_that_are_not_one_hot_are_refused_or_nan_when_traced() -> None:
    message = "X: expected one-hot labels, a single 1 among zeros, .* received target.shape=.*2, 3"
    for row in ([1, 1, 0], [0, 0, 2], [0.5, 0.5, 0.0]):
        target = jnp.array([[0, 0, 1], row])
        with pytest.raises(RangeError, match=message):
            of_classes("X", target, jnp.asarray(CLASSES), False)
        labels, chances = jax.jit(lambda *x: of_classes("X", *x, False))(target, CLASSES)
        np.testing.assert_array_equal(at_label(labels, chances), [0.25, np.nan])


@pytest.mark.parametrize("make", [LogLoss, BrierScore, CalibrationError])
def test_an_absent_one_hot_label_is_absent(make: Any) -> None:
    target, there = jnp.array([[0, 1, 0], [5, 5, 5]]), np.array([1.0, 0.0])
    assert make()(target, CLASSES, there) == make()(target[:1], CLASSES[:1])
    assert jnp.isnan(make()(target * 0, CLASSES))


def test_a_traced_label_without_a_class_has_no_score() -> None:
    labels, chances = jax.jit(lambda *x: of_classes("X", *x, False))(jnp.array([1, 3]), CLASSES)
    np.testing.assert_array_equal(at_label(labels, chances), [0.25, np.nan])
    with pytest.raises(RangeError, match="X: expected labels from 0 to 2"):
        of_classes("X", jnp.array([1, 3]), jnp.asarray(CLASSES), False)
    _, logs = jax.jit(lambda *x: of_classes("X", *x, True))(jnp.array([1, 2, 0]), SCORES)
    np.testing.assert_array_equal(np.isnan(logs[:, 0]), [False, True, False])
