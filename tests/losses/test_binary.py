"""Binary cross-entropy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.losses import BinaryCrossEntropy, binary_cross_entropy

RNG = np.random.default_rng(0)
TARGET = RNG.integers(0, 2, (5, 3))
SHARES = RNG.uniform(size=(5, 3)).astype(np.float32)
LOGITS = (3 * RNG.normal(size=(5, 3))).astype(np.float32)
WEIGHTS = np.array([0.5, 1.0, 4.0])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.float64(x)))


def expected(p: Any, q: Any, w: Any = 1.0) -> np.ndarray:
    """The definition, in NumPy at double precision."""
    return -(w * p * np.log(q) + (1 - p) * np.log(1 - q)).mean(-1)


@pytest.mark.parametrize("weight", [None, 3.0, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("target", [TARGET, TARGET.astype(bool), SHARES])
def test_it_is_the_definition(target: Any, smoothing: float, weight: Any) -> None:
    p = np.float64(target) * (1 - smoothing) + smoothing / 2
    wanted = expected(p, sigmoid(LOGITS), 1 if weight is None else weight)
    options: dict[str, Any] = {"label_smoothing": smoothing, "pos_weight": weight}
    values = binary_cross_entropy(target, LOGITS, **options)
    np.testing.assert_allclose(values, wanted, rtol=1e-5)
    probabilities = sigmoid(LOGITS).astype(np.float32)
    wanted = expected(p, np.float64(probabilities), 1 if weight is None else weight)
    values = binary_cross_entropy(target, probabilities, from_logits=False, **options)
    np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_features_are_averaged_and_an_only_axis_holds_examples() -> None:
    single = binary_cross_entropy(TARGET[:, 0], LOGITS[:, 0])
    assert single.shape == (5,)
    np.testing.assert_array_equal(single, binary_cross_entropy(TARGET[:, 0], LOGITS[:, :1]))
    with pytest.raises(ShapeError, match="binary_cross_entropy: expected `target` and `preds` of"):
        binary_cross_entropy(TARGET[:, 0], LOGITS)


@pytest.mark.parametrize("size", [1e4, -1e4, 3e38, np.inf])
def test_extreme_logits_have_a_finite_gradient(size: float) -> None:
    preds = jnp.array([size, -size])
    for target in (jnp.array([1, 0]), jnp.array([0, 1])):
        values = binary_cross_entropy(target, preds)
        wanted = np.where((target == 1) == (preds > 0), 0, abs(size))
        np.testing.assert_allclose(values, wanted)
        gradient = jax.grad(BinaryCrossEntropy(reduction="sum"), 1)(target, preds)
        np.testing.assert_allclose(gradient, (preds > 0) * 1.0 - target, atol=1e-7)


def test_probabilities_of_zero_and_one_have_a_finite_loss_and_gradient() -> None:
    preds = jnp.array([0.0, 1.0])
    for target, wanted in ((jnp.array([0, 1]), 1e-7), (jnp.array([1, 0]), -np.log(1e-7))):
        values = binary_cross_entropy(target, preds, from_logits=False)
        np.testing.assert_allclose(values, wanted, atol=1e-6)
        loss = BinaryCrossEntropy(from_logits=False)
        assert jnp.isfinite(jax.grad(loss, argnums=1)(target, preds)).all()


def test_small_probabilities_keep_their_digits() -> None:
    value = binary_cross_entropy(jnp.zeros(1), jnp.array([1e-5]), from_logits=False)
    np.testing.assert_allclose(value, -np.log1p(-1e-5), rtol=1e-6)


def test_what_is_no_probability_is_nan() -> None:
    values = binary_cross_entropy(jnp.ones(2), jnp.array([-0.1, 1.1]), from_logits=False)
    assert jnp.isnan(values).all()


@pytest.mark.parametrize("bad", [-1, 2, np.nan])
def test_targets_that_are_neither_yes_nor_no_are_refused_or_nan_when_traced(bad: float) -> None:
    target, preds = jnp.array([0.0, bad]), jnp.zeros(2)
    message = r"binary_cross_entropy: expected `target` from 0 to 1, .*classes numbered from 0"
    with pytest.raises(RangeError, match=message):
        binary_cross_entropy(target, preds)
    with pytest.raises(RangeError, match=message):
        jax.grad(BinaryCrossEntropy(), argnums=1)(target, preds)  # the targets are not traced
    values = jax.jit(binary_cross_entropy)(target, preds)
    np.testing.assert_array_equal(jnp.isnan(values), [False, True])
    assert jnp.isfinite(BinaryCrossEntropy()(target, preds, jnp.array([1, 0])))  # absent


@pytest.mark.parametrize("weight", [0, -1.0, np.inf, True, "3"])
def test_another_weight_of_yes_is_refused(weight: Any) -> None:
    message = "expected `pos_weight` to be a finite number above 0, received pos_weight=.*Use the r"
    with pytest.raises(ArgumentError, match=f"BinaryCrossEntropy: {message}"):
        BinaryCrossEntropy(pos_weight=weight)
    with pytest.raises(ArgumentError, match=f"binary_cross_entropy: {message}"):
        binary_cross_entropy(TARGET, LOGITS, pos_weight=weight)


def test_weights_of_features_are_checked_too() -> None:
    with pytest.raises(ArgumentError, match="expected `pos_weight` to be a list of finite numbers"):
        BinaryCrossEntropy(pos_weight=[1.0, -1.0])
    with pytest.raises(ArgumentError, match="expected `pos_weight` to have 3 entries"):
        binary_cross_entropy(TARGET, LOGITS, pos_weight=[1.0, 2.0])
    with pytest.raises(ArgumentError, match="expected `pos_weight` to have 1 entries"):
        binary_cross_entropy(TARGET[:, 0], LOGITS[:, 0], pos_weight=[1.0] * 5)
    values = binary_cross_entropy(TARGET[:, 0], LOGITS[:, 0], pos_weight=[3.0])
    wanted = binary_cross_entropy(TARGET[:, :1], LOGITS[:, :1], pos_weight=3.0)
    np.testing.assert_allclose(values, wanted, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan])
def test_label_smoothing_out_of_range_is_refused(smoothing: float) -> None:
    message = r"expected `label_smoothing` in \[0, 1\], received label_smoothing=.*\. Use 0 for"
    with pytest.raises(ArgumentError, match=f"BinaryCrossEntropy: {message}"):
        BinaryCrossEntropy(label_smoothing=smoothing)
    with pytest.raises(ArgumentError, match=f"binary_cross_entropy: {message}"):
        binary_cross_entropy(TARGET, LOGITS, label_smoothing=smoothing)
