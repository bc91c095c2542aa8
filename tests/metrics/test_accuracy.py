"""`Accuracy`: the share of predictions that are right."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError
from treexlite.metrics import Accuracy, BinaryAccuracy, CategoricalAccuracy, ZeroOneLoss

SCORES = np.array([[0.1, 0.9, 0.0], [0.5, 0.2, 0.3], [0.0, 0.1, 0.9], [0.2, 0.7, 0.1]], np.float32)
LABELS = np.array([1, 0, 1, 1])  # the third one is missed
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


@pytest.mark.parametrize("target", [LABELS, LABELS[:, None], ONE_HOT, ONE_HOT.astype(int)])
@pytest.mark.parametrize("preds", [SCORES, SCORES * 100 - 50, SCORES.astype(np.float16)])
def test_the_highest_score_is_the_predicted_class(target: Any, preds: Any) -> None:
    assert Accuracy()(target, preds) == 0.75


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, bool])
def test_integer_predictions_are_labels(dtype: Any) -> None:
    target, preds = np.array([1, 0, 1, 1], dtype), np.array([1, 0, 0, 1], dtype)
    for shape in [(4,), (2, 2)]:
        assert Accuracy()(target.reshape(shape), preds.reshape(shape)) == 0.75
    assert Accuracy()(target, preds[:, None]) == Accuracy()(target[:, None], preds) == 0.75


@pytest.mark.parametrize("target", [[0, 1, 1, 0], [0.0, 1.0, 1.0, 0.0], [False, True, True, False]])
@pytest.mark.parametrize("columns", [(), (0,), (1,), (0, 1)])
def test_one_score_per_example_is_compared_with_the_threshold(target: Any, columns: Any) -> None:
    arrays = [np.array(target), np.array([0.2, 0.5, 0.7, 0.4], np.float32)]
    for number in columns:
        arrays[number] = arrays[number][:, None]
    assert Accuracy()(*arrays) == 0.75  # 0.5 is not above 0.5
    assert Accuracy(threshold=0.45)(*arrays) == 1
    assert Accuracy(threshold=0.0)(*arrays) == 0.5


def test_there_may_be_more_classes_than_the_dtype_of_labels_holds() -> None:
    assert Accuracy()(np.array([255], np.uint8), np.eye(300)[255:256]) == 1


def test_axes_before_the_classes_are_examples() -> None:
    target, preds = LABELS.reshape(2, 2), SCORES.reshape(2, 2, 3)
    assert Accuracy()(target, preds) == 0.75
    assert Accuracy()(target, preds, jnp.array([1, 0])) == 1
    assert Accuracy()(target, preds, jnp.array([[0, 1], [1, 0]])) == 0.5
    assert Accuracy()(target[..., None] > 0, preds[..., :1] * 0 + 1) == 0.75


def test_one_example_without_a_batch_axis_counts_as_one() -> None:
    metric = Accuracy()
    assert metric(1, SCORES[0]) == 1
    assert metric(1, 0.25) == 0
    np.testing.assert_array_equal(metric.count, [2, 0])


def test_a_prediction_with_a_nan_is_wrong() -> None:
    preds = jnp.array([[jnp.nan, 0.0], [1.0, 0.0]])
    assert Accuracy()(jnp.array([0, 0]), preds) == 0.5
    assert Accuracy()(jnp.array([0, 0]), preds[:, :1] - 1) == 0.5


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_without_a_class_is_refused_or_nan_when_traced(label: int) -> None:
    target = LABELS.copy()
    target[0] = label
    message = f"Accuracy: expected labels from 0 to 2, .* received labels from {min(label, 0)} to"
    with pytest.raises(RangeError, match=message):
        Accuracy()(target, SCORES)
    assert jnp.isnan(jax.jit(lambda *batch: Accuracy()(*batch))(target, SCORES))
    assert Accuracy()(target, SCORES, np.array([0, 1, 1, 0])) == 0.5  # absent


def test_a_yes_or_no_label_is_zero_or_one() -> None:
    message = "Accuracy: expected labels from 0 to 1, one for each of 2 classes, received labels"
    with pytest.raises(RangeError, match=message):
        Accuracy()(np.array([0, 2]), np.array([0.1, 0.9]))


@pytest.mark.parametrize("given", [{"target": LABELS}, {"preds": SCORES}, {}])
def test_missing_targets_or_predictions_are_refused(given: dict[str, Any]) -> None:
    message = (
        "Accuracy: expected both `target` and `preds`, received target=(given|None), "
        "preds=(given|None). Call it with"
    )
    with pytest.raises(ArgumentError, match=message):
        Accuracy().update(**given)


@pytest.mark.parametrize(
    ("target", "preds"),
    [
        (LABELS[:3], SCORES),
        (LABELS, SCORES[:, :2].reshape(2, 4)),
        (LABELS[:3], LABELS),
        (LABELS[None], LABELS),
        (LABELS, SCORES[:3, 0]),
        (ONE_HOT, SCORES[:, 0]),
        (ONE_HOT[:, :2], SCORES),
    ],
)
def test_shapes_that_do_not_fit_are_refused(target: Any, preds: Any) -> None:
    message = (
        r"Accuracy: expected labels of shape \(.*\), or one score per class like `preds`, "
        r"received target\.shape=.*, preds\.shape=.*\. Make the leading axes equal"
    )
    with pytest.raises(ShapeError, match=message):
        Accuracy()(target, preds)


@pytest.mark.parametrize("preds", [SCORES, LABELS])
def test_labels_of_a_floating_dtype_are_refused(preds: Any) -> None:
    message = (
        r"Accuracy: expected labels of an integer dtype, received target\.dtype=float32, "
        r"preds\.dtype=.*\. Convert the labels"
    )
    with pytest.raises(DataError, match=message):
        Accuracy()(LABELS.astype(np.float32), preds)


def test_counts_of_hits_are_exact() -> None:
    metric = Accuracy()
    metric.total = metric.count = jnp.array([2**24, 0], jnp.float32)
    metric.update(LABELS, SCORES)
    assert np.asarray(metric.total, np.float64).sum() == 2**24 + 3
    assert np.asarray(metric.count, np.float64).sum() == 2**24 + 4


def test_every_number_is_an_answer_of_yes_or_no() -> None:
    target, scores = np.array([[0, 1], [1, 1]]), np.array([[0.2, 0.9], [0.4, 0.8]], np.float32)
    assert BinaryAccuracy()(target, scores) == 0.75
    assert BinaryAccuracy(threshold=0.3)(target.astype(np.float32), scores) == 1
    assert BinaryAccuracy()(target, scores > 0.5) == 0.75
    assert BinaryAccuracy()(target, scores, np.array([1, 0])) == 1
    assert BinaryAccuracy()(target[0], np.array([[0.2], [np.nan]])) == 0.5


def test_scores_of_classes_may_be_whole_numbers() -> None:
    scores = (SCORES * 10).astype(int)
    for target in (LABELS, LABELS[:, None], ONE_HOT):
        assert CategoricalAccuracy()(target, scores) == 0.75
    with pytest.raises(ShapeError, match="CategoricalAccuracy: expected labels of shape"):
        CategoricalAccuracy()(LABELS[:2], scores)


def test_the_zero_one_loss_is_the_share_of_wrong_predictions() -> None:
    assert ZeroOneLoss()(LABELS, SCORES) == 0.25
    assert ZeroOneLoss()(LABELS > 0, np.full(4, np.nan)) == 1
    assert ZeroOneLoss(threshold=0.0)(LABELS > 0, SCORES[:, 1] - 0.3, np.array([1, 1, 0, 0])) == 0
