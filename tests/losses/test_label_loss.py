"""What losses of labels share: a label to ignore, weights of classes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.budget import ALL_LAWS
from treexlite._errors import ArgumentError, DataError, ShapeError
from treexlite.losses import (
    CategoricalFocalCrossEntropy,
    CategoricalHinge,
    CrossEntropy,
    MultiMargin,
    NegativeLogLikelihood,
)

LABELLED: list[Any] = [
    CrossEntropy,
    NegativeLogLikelihood,
    CategoricalFocalCrossEntropy,
    CategoricalHinge,
    MultiMargin,
]
WEIGHED: list[Any] = [CrossEntropy, NegativeLogLikelihood, MultiMargin]
REDUCTIONS = ["sum_over_batch_size", "weighted_mean", "sum"]
LABELS = np.array([0, 2, 1, 2])
SCORES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
THERE = np.array([True, False, True, True])
WEIGHTS = (0.5, 2.0, 0.0)


# Each loss with each label and with each reduction; all together where all laws are run.
IGNORING = [
    (loss, label, reduction)
    for number, loss in enumerate(LABELLED)
    for turn, label in enumerate([-100, 0, 255])
    for other, reduction in enumerate(REDUCTIONS)
    if ALL_LAWS or other == (number + turn) % 3
]


@pytest.mark.parametrize(("loss", "label", "reduction"), IGNORING)
def test_examples_to_ignore_are_absent(loss: Any, label: int, reduction: str) -> None:
    there = THERE if label else LABELS != 0
    labels = np.where(there, LABELS, label)
    ignoring = loss(ignore_index=label, reduction=reduction)
    scores = np.where(there[:, None], SCORES, np.float32(np.nan))
    plain = jax.jit(jax.value_and_grad(loss(reduction=reduction), 1))
    wanted, part = plain(LABELS[there], SCORES[there])
    derived = jax.jit(jax.value_and_grad(ignoring, 1))
    for target in (labels, labels[:, None]):
        value, gradient = map(np.asarray, derived(target, scores))
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
        np.testing.assert_allclose(ignoring(target, scores), wanted, rtol=1e-6)
        np.testing.assert_allclose(gradient[there], part, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(gradient[~there], 0)


@pytest.mark.parametrize("loss", LABELLED)
def test_a_label_to_ignore_masks_and_weights_go_together(loss: Any) -> None:
    labels = np.array([0, -1, 1, 2])
    mask, weights = np.array([1, 1, 0, 1]), np.array([2.0, 1.0, 1.0, 0.5])
    value = loss(ignore_index=-1)(labels, SCORES, weights, mask=mask)
    values = loss(reduction="none")(LABELS, SCORES)
    np.testing.assert_allclose(value, (2 * values[0] + 0.5 * values[3]) / 2, rtol=1e-6)


@pytest.mark.parametrize("loss", LABELLED)
def test_when_all_are_ignored_the_loss_is_zero(loss: Any) -> None:
    for reduction in REDUCTIONS:
        ignoring = loss(ignore_index=-1, reduction=reduction)
        value, gradient = jax.value_and_grad(ignoring, 1)(np.full(4, -1), SCORES)
        assert value == 0
        np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("loss", WEIGHED)
def test_classes_are_weighed_and_the_weighted_mean_divides_by_their_weights(loss: Any) -> None:
    weights = np.array(WEIGHTS)[LABELS]
    plain = np.asarray(loss(reduction="none")(LABELS, SCORES), np.float64)
    for given in (WEIGHTS, list(WEIGHTS), np.array(WEIGHTS), jnp.array(WEIGHTS)):
        values = loss(class_weight=given, reduction="none")(LABELS, SCORES)
        np.testing.assert_allclose(values, plain * weights, rtol=1e-6)
    total = (plain * weights).sum()
    for reduction, count in (("sum_over_batch_size", 4), ("weighted_mean", 2.5), ("sum", 1)):
        value = loss(class_weight=WEIGHTS, reduction=reduction)(LABELS, SCORES)
        np.testing.assert_allclose(value, total / count, rtol=1e-6)
    both = loss(class_weight=WEIGHTS, reduction="weighted_mean")
    sample = np.array([1.0, 3.0, 2.0, 0.0])
    wanted = (plain * weights * sample).sum() / (weights * sample).sum()
    np.testing.assert_allclose(both(LABELS, SCORES, sample), wanted, rtol=1e-6)


@pytest.mark.parametrize("loss", WEIGHED)
def test_when_no_class_counts_the_loss_is_zero(loss: Any) -> None:
    nothing = loss(class_weight=(0, 0, 0), reduction="weighted_mean")
    value, gradient = jax.value_and_grad(nothing, 1)(LABELS, SCORES)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("loss", WEIGHED)
def test_weights_of_another_number_of_classes_are_refused(loss: Any) -> None:
    message = "expected `class_weight` to have 3 entries, as the last axis .* received 2 entries"
    with pytest.raises(ArgumentError, match=message):
        loss(class_weight=(1.0, 2.0))(LABELS, SCORES)


@pytest.mark.parametrize("loss", LABELLED)
def test_options_out_of_range_are_refused(loss: Any) -> None:
    with pytest.raises(ArgumentError, match=f"{loss.__name__}: expected `ignore_index` to be a"):
        loss(ignore_index=0.5)
    if loss in WEIGHED:
        with pytest.raises(ArgumentError, match=f"{loss.__name__}: expected `class_weight` to be"):
            loss(class_weight=(-1.0, 2.0))


@pytest.mark.parametrize("loss", [NegativeLogLikelihood, MultiMargin])
def test_one_hot_labels_are_never_taken_for_others(loss: Any) -> None:
    for target in (np.eye(3)[LABELS], np.eye(3, dtype=int)[LABELS]):
        with pytest.raises(ShapeError, match=r"expected labels, of shape \(4,\), received one num"):
            loss()(target, SCORES)


@pytest.mark.parametrize("loss", [CrossEntropy, CategoricalFocalCrossEntropy, CategoricalHinge])
def test_probabilities_have_no_label_to_ignore(loss: Any) -> None:
    with pytest.raises(DataError, match="expected labels, since `ignore_index=-100` names one"):
        loss(ignore_index=-100)(np.eye(3)[LABELS], SCORES)


def test_only_a_function_of_the_user_takes_no_labels() -> None:
    assert all(loss().takes_labels for loss in LABELLED)
    assert not NegativeLogLikelihood(jax.scipy.stats.norm.logpdf).takes_labels
