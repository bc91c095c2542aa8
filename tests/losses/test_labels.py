"""Labels and the scores of classes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import DataError, RangeError, ShapeError
from treexlite.losses._labels import (
    holds_labels,
    log_of,
    product,
    raw_labels,
    read_labels,
    read_probabilities,
)

SCORES = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_labels_have_an_axis_less_or_a_last_one_of_size_one() -> None:
    assert holds_labels(jnp.zeros(2), SCORES)
    assert holds_labels(jnp.zeros((2, 1)), SCORES)
    assert not holds_labels(jnp.zeros((2, 3)), SCORES)
    assert not holds_labels(jnp.zeros(()), SCORES)
    assert not holds_labels(jnp.zeros(()), jnp.zeros(()))


def test_the_score_of_the_true_class_is_found() -> None:
    for target in (jnp.array([2, 0]), jnp.array([[2], [0]], jnp.uint8)):
        labels, scores = read_labels("f", target, SCORES)
        np.testing.assert_array_equal(labels.of(scores), [3, 4])
        assert labels.index.dtype == jnp.int32


def test_what_is_ignored_is_zero_and_what_has_no_class_is_nan() -> None:
    @jax.jit
    def settled(target: jax.Array) -> jax.Array:
        labels, scores = read_labels("f", target, SCORES, ignore_index=7)
        return labels.settle(labels.of(scores))

    np.testing.assert_array_equal(settled(jnp.array([7, 1])), [0, 5])
    np.testing.assert_array_equal(settled(jnp.array([8, -1])), [np.nan, np.nan])


def test_ignored_scores_are_hidden_whatever_they_hold() -> None:
    scores = SCORES.at[0].set(jnp.nan)

    def loss(scores: jax.Array) -> jax.Array:
        labels, scores = read_labels("f", np.array([255, 1], np.uint8), scores, ignore_index=255)
        return labels.settle(labels.of(jnp.square(scores))).sum()

    value, gradient = jax.value_and_grad(loss)(scores)
    assert value == 25
    np.testing.assert_array_equal(gradient, [[0, 0, 0], [0, 10, 0]])


def test_a_label_to_ignore_excuses_no_other() -> None:
    message = "f: expected labels from 0 to 2, one for each of 3 classes, received labels from 5"
    with pytest.raises(RangeError, match=message):
        read_labels("f", jnp.array([-100, 5]), SCORES, ignore_index=-100)


def test_labels_of_another_shape_or_dtype_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"f: expected `target` of shape \(2,\) \(labels\) or"):
        raw_labels("f", jnp.array([0, 1, 2]), SCORES)
    with pytest.raises(DataError, match=r"f: expected labels of an integer dtype, or .*float32"):
        raw_labels("f", jnp.array([0.0, 1.0]), SCORES)


def test_one_number_per_class_is_no_label() -> None:
    message = r"f: expected labels, of shape \(2,\), received one number per class: target\.shape="
    with pytest.raises(ShapeError, match=message):
        read_labels("f", jnp.array([[1, 0, 0], [0, 1, 0]]), SCORES)


def test_probabilities_have_the_shape_of_the_scores_and_no_label_to_ignore() -> None:
    p, scores = read_probabilities("f", jnp.ones((2, 3), int), SCORES.astype(jnp.bfloat16))
    assert p.dtype == scores.dtype == jnp.float32
    with pytest.raises(ShapeError, match=r"f: expected `target` of shape .* \(probabilities\)"):
        read_probabilities("f", jnp.ones((2, 2)), SCORES)
    message = r"f: expected labels, since `ignore_index=-1` names one of them, received probabilit"
    with pytest.raises(DataError, match=message):
        read_probabilities("f", jnp.ones((2, 3)), SCORES, ignore_index=-1)


def test_fewer_than_two_classes_are_refused() -> None:
    for shape in ((), (3, 1)):
        with pytest.raises(ShapeError, match="f: expected one score per class on the last axis"):
            read_labels("f", jnp.zeros(shape[:-1], int), jnp.zeros(shape))
        with pytest.raises(ShapeError, match="f: expected one score per class on the last axis"):
            read_probabilities("f", jnp.zeros(shape), jnp.zeros(shape))


def test_logs_are_bounded_for_probabilities_only() -> None:
    logs = log_of(jnp.array([0.0, 1e-9, 0.5, -0.1]))
    np.testing.assert_allclose(logs, np.log([1e-7, 1e-7, 0.5, np.nan]), rtol=1e-6)
    np.testing.assert_array_equal(
        product(jnp.array([0.0, 0.0, 1.0]), jnp.array([-jnp.inf, -1.0, -jnp.inf])),
        [0, 0, -np.inf],
    )
