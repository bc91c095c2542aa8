"""Focal cross-entropy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.losses import (
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
    binary_cross_entropy,
    binary_focal_cross_entropy,
    categorical_focal_cross_entropy,
    cross_entropy,
)

RNG = np.random.default_rng(0)
YES_NO = RNG.integers(0, 2, (5, 3))
SCORES = (2 * RNG.normal(size=(5, 3))).astype(np.float32)
LABELS = RNG.integers(0, 3, 5)
ONE_HOT = np.eye(3)[LABELS]
SIGMOID = 1 / (1 + np.exp(-np.float64(SCORES)))
SOFTMAX = np.exp(np.float64(SCORES)) / np.exp(np.float64(SCORES)).sum(-1, keepdims=True)


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_yes_and_no_are_the_definition(smoothing: float, gamma: float, alpha: Any) -> None:
    p = YES_NO * (1 - smoothing) + smoothing / 2
    wrong = p * (1 - SIGMOID) + (1 - p) * SIGMOID
    surprise = -p * np.log(SIGMOID) - (1 - p) * np.log(1 - SIGMOID)
    share = 1 if alpha is None else p * alpha + (1 - p) * (1 - alpha)
    wanted = (share * wrong**gamma * surprise).mean(-1)
    options: dict[str, Any] = {"alpha": alpha, "gamma": gamma, "label_smoothing": smoothing}
    values = binary_focal_cross_entropy(YES_NO, SCORES, **options)
    np.testing.assert_allclose(values, wanted, rtol=1e-5)
    probabilities = SIGMOID.astype(np.float32)
    values = binary_focal_cross_entropy(YES_NO, probabilities, from_logits=False, **options)
    np.testing.assert_allclose(values, wanted, rtol=1e-4)


@pytest.mark.parametrize("alpha", [0.25, (0.2, 1.0, 0.5)])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_classes_are_the_definition(smoothing: float, gamma: float, alpha: Any) -> None:
    p = ONE_HOT * (1 - smoothing) + smoothing / 3
    wanted = -(np.array(alpha) * (1 - SOFTMAX) ** gamma * p * np.log(SOFTMAX)).sum(-1)
    options: dict[str, Any] = {"alpha": alpha, "gamma": gamma, "label_smoothing": smoothing}
    for target in (LABELS, LABELS[:, None], ONE_HOT):
        values = categorical_focal_cross_entropy(target, SCORES, **options)
        np.testing.assert_allclose(values, wanted, rtol=1e-5)
        probabilities = SOFTMAX.astype(np.float32)
        values = categorical_focal_cross_entropy(
            target, probabilities, from_logits=False, **options
        )
        np.testing.assert_allclose(values, wanted, rtol=1e-4)


def test_without_focus_they_are_the_cross_entropies() -> None:
    values = binary_focal_cross_entropy(YES_NO, SCORES, gamma=0)
    np.testing.assert_array_equal(values, binary_cross_entropy(YES_NO, SCORES))
    values = categorical_focal_cross_entropy(LABELS, SCORES, alpha=1, gamma=0)
    np.testing.assert_allclose(values, cross_entropy(LABELS, SCORES), rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [100.0, 1e4])
def test_extreme_logits_have_a_finite_gradient(size: float, gamma: float) -> None:
    preds = jnp.array([size, -size])
    loss = BinaryFocalCrossEntropy(gamma=gamma)
    for target in (jnp.array([1, 0]), jnp.array([0, 1]), jnp.array([0.3, 0.7])):
        value, gradient = jax.value_and_grad(loss, argnums=1)(target, preds)
        assert jnp.isfinite(value)
        assert jnp.isfinite(gradient).all()
    by_class = CategoricalFocalCrossEntropy(gamma=gamma)
    for label in (0, 1):
        value, gradient = jax.value_and_grad(by_class, 1)(jnp.array([label]), preds[None])
        assert jnp.isfinite(value)
        assert jnp.isfinite(gradient).all()


def test_a_small_share_of_the_wrong_side_keeps_its_digits() -> None:
    value = binary_focal_cross_entropy(jnp.ones(1), jnp.array([20.0]))
    np.testing.assert_allclose(value, np.exp(-60.0), rtol=1e-5)


def test_a_class_ruled_out_costs_nothing() -> None:
    preds = jnp.array([[0.0, 0.0, -jnp.inf]])
    loss = CategoricalFocalCrossEntropy(alpha=1.0)
    value, gradient = jax.value_and_grad(loss, argnums=1)(jnp.array([0]), preds)
    np.testing.assert_allclose(value, np.log(2) / 4, rtol=1e-6)
    assert jnp.isfinite(gradient).all()


def test_what_is_no_target_is_refused_or_nan_when_traced() -> None:
    with pytest.raises(RangeError, match="binary_focal_cross_entropy: expected `target` from 0 to"):
        binary_focal_cross_entropy(jnp.array([2]), jnp.zeros(1))
    assert jnp.isnan(jax.jit(binary_focal_cross_entropy)(jnp.array([2]), jnp.zeros(1)))
    with pytest.raises(ShapeError, match="binary_focal_cross_entropy: expected `target` and"):
        binary_focal_cross_entropy(YES_NO, SCORES[:, :1])
    with pytest.raises(RangeError, match="categorical_focal_cross_entropy: expected labels from 0"):
        categorical_focal_cross_entropy(jnp.array([3]), SCORES[:1])
    assert jnp.isnan(jax.jit(categorical_focal_cross_entropy)(jnp.array([3]), SCORES[:1]))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"alpha": 1.5}, r"`alpha` in \[0, 1\]"),
        ({"gamma": -1}, "`gamma` to be a finite number from 0"),
        ({"label_smoothing": 2}, r"`label_smoothing` in \[0, 1\]"),
    ],
)
def test_options_of_yes_and_no_are_checked(options: Any, expected: str) -> None:
    with pytest.raises(ArgumentError, match=f"BinaryFocalCrossEntropy: expected {expected}"):
        BinaryFocalCrossEntropy(**options)
    with pytest.raises(ArgumentError, match=f"binary_focal_cross_entropy: expected {expected}"):
        binary_focal_cross_entropy(YES_NO, SCORES, **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"alpha": 0}, "`alpha` to be a finite number above 0"),
        ({"alpha": [-1.0, 1.0, 1.0]}, "`alpha` to be a list of finite numbers from 0"),
        ({"gamma": np.inf}, "`gamma` to be a finite number from 0"),
        ({"label_smoothing": -1}, r"`label_smoothing` in \[0, 1\]"),
    ],
)
def test_options_of_classes_are_checked(options: Any, expected: str) -> None:
    with pytest.raises(ArgumentError, match=f"CategoricalFocalCrossEntropy: expected {expected}"):
        CategoricalFocalCrossEntropy(**options)
    message = f"categorical_focal_cross_entropy: expected {expected}"
    with pytest.raises(ArgumentError, match=message):
        categorical_focal_cross_entropy(LABELS, SCORES, **options)
