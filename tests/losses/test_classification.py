"""Losses between classes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError
from treexlite.losses import CrossEntropy, cross_entropy

RNG = np.random.default_rng(0)
CLASSES = 4
EPSILON = 1e-7


def logits(*shape: int) -> np.ndarray:
    return (RNG.normal(size=(*shape, CLASSES)) * 3).astype(np.float32)


def labels(*shape: int) -> np.ndarray:
    return RNG.integers(0, CLASSES, shape)


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(np.float64(x) - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def expected(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The definition, in NumPy at double precision."""
    return -(p * np.log(q)).sum(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("shape", [(), (5,), (5, 2)])
def test_labels_are_one_hot_probabilities(shape: tuple[int, ...], smoothing: float) -> None:
    target, preds = labels(*shape), logits(*shape)
    one_hot = np.eye(CLASSES)[target]
    smooth = one_hot * (1 - smoothing) + smoothing / CLASSES
    wanted = expected(smooth, softmax(preds))
    for same in (target, target[..., None], one_hot, one_hot.astype(int), smooth):
        rest = 0.0 if same is smooth else smoothing
        values = cross_entropy(same, preds, label_smoothing=rest)
        assert values.shape == shape
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_probabilities_and_their_logits_have_the_same_loss(smoothing: float) -> None:
    target, preds = labels(5), logits(5)
    probabilities = softmax(preds).astype(np.float32)
    for form in (target, np.eye(CLASSES)[target]):
        values = cross_entropy(form, probabilities, from_logits=False, label_smoothing=smoothing)
        wanted = cross_entropy(form, preds, label_smoothing=smoothing)
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
def test_labels_may_have_any_integer_dtype(dtype: Any) -> None:
    preds = jnp.array([[1.0, 2.0], [3.0, 1.0]])
    wanted = cross_entropy(jnp.array([1, 0]), preds)
    np.testing.assert_array_equal(cross_entropy(np.array([1, 0], dtype), preds), wanted)


def test_there_may_be_more_classes_than_the_dtype_of_labels_holds() -> None:
    assert cross_entropy(np.array([255], np.uint8), 99 * np.eye(300)[255:256])[0] == 0


@pytest.mark.parametrize("size", [1e4, -1e4, 3e38])
@pytest.mark.parametrize("form", ["labels", "one-hot"])
def test_loss_and_gradient_are_finite_at_extreme_logits(size: float, form: str) -> None:
    preds = jnp.array([[size, 0, 0, 0], [0, size, 0, 0], [size, size, -size, 0]])
    target = jnp.array([0, 0, 2]) if form == "labels" else jnp.eye(CLASSES)[jnp.array([0, 0, 2])]
    loss = CrossEntropy(reduction="none")
    if abs(size) < 1e38:  # the difference of two larger logits is not a float32 number
        assert jnp.isfinite(loss(target, preds)).all()
    gradient = jax.grad(lambda preds: loss(target, preds).sum())(preds)
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("form", ["labels", "one-hot"])
def test_a_probability_of_zero_has_a_finite_loss_and_gradient(form: str) -> None:
    target = jnp.array([0]) if form == "labels" else jnp.array([[1.0, 0.0]])
    preds = jnp.array([[0.0, 1.0]])
    loss = CrossEntropy(from_logits=False)
    value, gradient = jax.value_and_grad(loss, argnums=1)(target, preds)
    np.testing.assert_allclose(value, -np.log(EPSILON), rtol=1e-6)
    assert jnp.isfinite(gradient).all()


def test_a_negative_probability_is_nan() -> None:
    assert jnp.isnan(cross_entropy(0, jnp.array([-2.0, 3.0]), from_logits=False))


def test_a_class_ruled_out_on_both_sides_costs_nothing() -> None:
    preds = jnp.array([[0.0, 0.0, -jnp.inf]])
    target = jnp.array([[1.0, 0.0, 0.0]])
    value, gradient = jax.value_and_grad(CrossEntropy(), argnums=1)(target, preds)
    np.testing.assert_allclose(value, np.log(2), rtol=1e-6)
    np.testing.assert_allclose(gradient, [[-0.5, 0.5, 0]], atol=1e-7)
    np.testing.assert_allclose(CrossEntropy()(jnp.array([0]), preds), np.log(2), rtol=1e-6)
    assert CrossEntropy()(jnp.array([2]), preds) == jnp.inf


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_gradient_of_logits_is_the_difference_of_probabilities(smoothing: float) -> None:
    target, preds = labels(5), logits(5)
    loss = CrossEntropy(reduction="sum", label_smoothing=smoothing)
    p = np.eye(CLASSES)[target] * (1 - smoothing) + smoothing / CLASSES
    for form in (target, np.eye(CLASSES)[target]):
        gradient = jax.grad(loss, argnums=1)(form, preds)
        np.testing.assert_allclose(gradient, softmax(preds) - p, atol=1e-6)


@given(shift=st.floats(-1e3, 1e3, width=32), size=st.sampled_from([1, 3]))
def test_adding_a_constant_to_the_logits_changes_nothing(shift: float, size: int) -> None:
    target, preds = labels(size), np.round(logits(size) * 16) / 16
    shifted = preds + np.round(shift)  # rounded, so that the sum is exact
    values = cross_entropy(target, shifted)
    np.testing.assert_allclose(values, cross_entropy(target, preds), rtol=1e-5, atol=1e-6)


def test_vmap_is_a_loop_over_examples() -> None:
    target, preds = labels(5), logits(5)
    np.testing.assert_array_equal(
        jax.vmap(cross_entropy)(target, preds), cross_entropy(target, preds)
    )


@pytest.mark.parametrize("label", [-1, CLASSES, 100])
def test_a_label_without_a_class_is_refused_or_nan_when_traced(label: int) -> None:
    target, preds = jnp.array([0, label]), logits(2)
    message = (
        "cross_entropy: expected labels from 0 to 3, one for each of 4 classes, received labels "
        rf"from {min(0, label)} to {max(0, label)}\. Number the classes from 0"
    )
    with pytest.raises(RangeError, match=message):
        cross_entropy(target, preds)
    with pytest.raises(RangeError, match=message):
        jax.grad(CrossEntropy(), argnums=1)(target, preds)  # the labels are not traced
    values = jax.jit(cross_entropy)(target, preds)
    np.testing.assert_array_equal(jnp.isnan(values), [False, True])
    assert jnp.isnan(jax.jit(CrossEntropy())(target, preds))
    assert jnp.isfinite(CrossEntropy()(target, preds, jnp.array([1, 0])))  # absent


def test_labels_of_a_floating_dtype_are_refused() -> None:
    message = (
        r"cross_entropy: expected labels of an integer dtype, or probabilities in the shape of "
        r"`preds`, received target\.shape=\(2,\), target\.dtype=float32\. Convert the labels"
    )
    with pytest.raises(DataError, match=message):
        cross_entropy(jnp.array([0.0, 1.0]), logits(2))


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3), (2, 2, 4), ()])
def test_targets_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    message = (
        r"cross_entropy: expected `target` of shape \(2,\) \(labels\) or \(2, 4\) "
        r"\(probabilities\), received target\.shape=.*, preds\.shape=\(2, 4\)\. Make the leading"
    )
    with pytest.raises(ShapeError, match=message):
        cross_entropy(jnp.zeros(shape, int), logits(2))


@pytest.mark.parametrize("shape", [(), (3, 1), (3, 0)])
def test_fewer_than_two_classes_are_refused(shape: tuple[int, ...]) -> None:
    message = r"expected one score per class on the last axis of `preds`, for at least 2 classes"
    with pytest.raises(ShapeError, match=message):
        cross_entropy(jnp.zeros(shape[:-1], int), jnp.zeros(shape))


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan])
def test_label_smoothing_out_of_range_is_refused(smoothing: float) -> None:
    message = r"expected `label_smoothing` in \[0, 1\], received label_smoothing=.*\. Use 0 for"
    with pytest.raises(ArgumentError, match="^CrossEntropy: " + message):
        CrossEntropy(label_smoothing=smoothing)
    with pytest.raises(ArgumentError, match="^cross_entropy: " + message):
        cross_entropy(labels(2), logits(2), label_smoothing=smoothing)


def test_the_object_is_the_function_reduced() -> None:
    target, preds = labels(5), softmax(logits(5)).astype(np.float32)
    options: dict[str, Any] = {"from_logits": False, "label_smoothing": 0.2}
    values = cross_entropy(target, preds, **options)
    unreduced = CrossEntropy(reduction="none", **options)(target, preds)
    np.testing.assert_array_equal(unreduced, values)
    np.testing.assert_allclose(CrossEntropy(**options)(target, preds), values.mean(), rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_weights_of_classes_act_inside_the_sum(smoothing: float) -> None:
    weights = np.array([0.5, 2.0, 1.0, 0.0])
    target, preds = labels(6), logits(6)
    one_hot = np.eye(CLASSES)[target]
    smooth = one_hot * (1 - smoothing) + smoothing / CLASSES
    wanted = expected(smooth * weights, softmax(preds))
    for form in (target, one_hot):
        loss = CrossEntropy(
            class_weight=weights, label_smoothing=smoothing, reduction="weighted_mean"
        )
        options: dict[str, Any] = {"class_weight": weights, "label_smoothing": smoothing}
        np.testing.assert_allclose(
            cross_entropy(form, preds, **options), wanted, rtol=1e-5, atol=1e-6
        )
        mean = wanted.sum() / weights[target].sum()
        np.testing.assert_allclose(loss(form, preds), mean, rtol=1e-5)


def test_a_class_without_weight_costs_nothing_even_when_it_is_ruled_out() -> None:
    preds = jnp.array([[0.0, 0.0, -jnp.inf]])
    options: dict[str, Any] = {"class_weight": (1, 1, 0), "label_smoothing": 0.3}
    for form in (jnp.array([2]), jnp.array([[0.0, 0.0, 1.0]])):
        value, gradient = jax.value_and_grad(
            lambda preds, form=form: cross_entropy(form, preds, **options).sum()
        )(preds)
        np.testing.assert_allclose(value, 0.2 * np.log(2), rtol=1e-5)
        assert jnp.isfinite(gradient).all()


def test_ignored_labels_are_zero_in_the_function_too() -> None:
    target, preds = np.array([0, -100, 3]), logits(3)
    values = cross_entropy(target, preds, ignore_index=-100)
    assert values[1] == 0
    wanted = cross_entropy(target[[0, 2]], preds[[0, 2]])
    np.testing.assert_allclose(values[np.array([0, 2])], wanted, rtol=1e-6)
