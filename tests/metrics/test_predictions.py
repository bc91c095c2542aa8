"""What targets and predictions say about each example."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.metrics import _predictions
from treexlite.metrics._predictions import Answers

LABELS = np.array([2, 0, 1])
SCORES = np.array([[0.1, 0.2, 0.9], [0.1, 0.8, 0.3], [np.nan, 0.5, 0.1]], np.float32)


def assert_answers(answers: Answers, true: Any, predicted: Any) -> None:
    np.testing.assert_array_equal(answers.true, true)
    np.testing.assert_array_equal(answers.predicted, predicted)
    assert answers.is_valid.all()
    assert answers.is_valid.shape == np.shape(true)


@pytest.mark.parametrize("target", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
def test_scores_name_the_highest_class_and_none_beside_a_nan(target: Any) -> None:
    for read in (
        lambda *arrays: _predictions.classes("M", *arrays),
        lambda *arrays: _predictions.guess("M", *arrays, 0.5),
        lambda *arrays: _predictions.among("M", *arrays, 0.5, 3),
    ):
        assert_answers(read(target, SCORES), LABELS, [2, 1, -1])


@pytest.mark.parametrize("preds", [[1, 0, 1], [[1], [0], [1]], [True, False, True]])
def test_labels_are_taken_as_they_are(preds: Any) -> None:
    target = [0, 0, 1]
    for answers in (
        _predictions.guess("M", target, preds, 0.5),
        _predictions.yes_or_no("M", target, preds, 0.5),
        _predictions.among("M", target, preds, 0.5, 3),
    ):
        assert_answers(answers, target, [1, 0, 1])


def test_single_scores_say_yes_above_the_threshold() -> None:
    target, scores = [1.0, 0.0, 1.0], np.array([0.3, 0.25, np.nan], np.float32)
    for preds in (scores, scores[:, None]):
        for read in (_predictions.guess, _predictions.yes_or_no):
            assert_answers(read("M", target, preds, 0.25), [1, 0, 1], [1, 0, -1])
        answers = _predictions.among("M", np.array([1, 0, 1]), preds, 0.25, 2)
        assert_answers(answers, [1, 0, 1], [1, 0, -1])


def test_half_precision_does_not_round_the_threshold() -> None:
    scores = jnp.array([0.3], jnp.bfloat16)  # is above 0.3
    assert_answers(_predictions.yes_or_no("M", [1], scores, 0.3), [1], [1])


def test_two_scores_per_example_are_two_classes_or_two_labels() -> None:
    target, scores = np.array([[0, 1], [1, 0]]), np.array([[0.6, 0.7], [0.2, 0.1]])
    assert_answers(_predictions.among("M", target, scores, 0.5, 2), [1, 0], [1, 0])
    flags = [[1, 1], [0, 0]]
    assert_answers(_predictions.flags("M", target, scores, 0.5, 2), target, flags)
    assert_answers(_predictions.flags("M", target, np.array(flags), 0.5, None), target, flags)
    assert_answers(_predictions.yes_or_no("M", target, scores, 0.5), target, flags)


def test_one_label_keeps_its_axis() -> None:
    answers = _predictions.flags("M", np.array([[1], [0]]), np.array([[0.9], [0.8]]), 0.5, 1)
    assert_answers(answers, [[1], [0]], [[1], [1]])


def test_right_is_one_zero_or_nan() -> None:
    answers = Answers(jnp.array([0, 1, 2]), jnp.array([0, -1, 2]), jnp.array([True, True, False]))
    np.testing.assert_array_equal(answers.right(), [1, 0, np.nan])


@pytest.mark.parametrize(("target", "preds"), [([0, 1], [0, 3]), ([0, -1], [0, 1])])
def test_labels_without_a_class_are_refused_or_invalid_when_traced(target: Any, preds: Any) -> None:
    with pytest.raises(RangeError, match=r"M: expected labels from 0 to 2, .* received labels"):
        _predictions.among("M", target, preds, 0.5, 3)
    is_valid = jax.jit(lambda *arrays: _predictions.among("M", *arrays, 0.5, 3).is_valid)
    np.testing.assert_array_equal(is_valid(np.array(target), np.array(preds)), [True, False])


def test_a_target_or_prediction_that_is_missing_is_refused() -> None:
    message = "M: expected both `target` and `preds`, received target=given, preds=None. Call"
    with pytest.raises(ArgumentError, match=message):
        _predictions.both("M", 1, None)


@pytest.mark.parametrize(
    ("target", "preds"),
    [(0, 0.5), (LABELS, SCORES[0]), (LABELS, SCORES[:, :1]), (0, SCORES[0, :1])],
)
def test_scores_of_one_class_are_refused(target: Any, preds: Any) -> None:
    message = (
        r"M: expected a score for each of two or more classes, on the last axis of `preds`, "
        r"received target\.shape=.*, preds\.shape=.*\. Give scores of shape"
    )
    with pytest.raises(ShapeError, match=message):
        _predictions.classes("M", target, preds)


@pytest.mark.parametrize("preds", [SCORES[:, :2], SCORES[:, 0], np.float32(0.5)])
def test_scores_of_another_number_of_classes_are_refused(preds: Any) -> None:
    message = (
        r"M: expected integer labels, or scores of 3 classes on the last axis of `preds`, "
        r"received preds\.shape=.* with preds\.dtype=float32\. Make the last axis"
    )
    with pytest.raises(ShapeError, match=message):
        _predictions.among("M", LABELS, preds, 0.5, 3)


@pytest.mark.parametrize(("target", "preds"), [(LABELS, SCORES), (SCORES, SCORES), (1, 1)])
def test_labels_of_other_shapes_are_refused(target: Any, preds: Any) -> None:
    message = (
        r"M: expected `target` and `preds` of one shape \(batch, \.\.\., 2\), received "
        r"target\.shape=.*, preds\.shape=.*\. Give one yes or no for each label"
    )
    with pytest.raises(ShapeError, match=message):
        _predictions.flags("M", target, preds, 0.5, 2)


def test_scores_of_classes_are_no_answers_of_yes_or_no() -> None:
    message = (
        r"M: expected one score per example, for yes or no, received target\.shape=\(3,\), "
        r"preds\.shape=\(3, 3\)\. For 3 classes, give `num_classes`"
    )
    with pytest.raises(ShapeError, match=message):
        _predictions.yes_or_no("M", LABELS > 0, SCORES, 0.5)
