"""Margins between classes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError
from treexlite.losses import MultiMargin, categorical_hinge, multi_margin

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, (5, 2))
SCORES = RNG.normal(size=(5, 2, 4)).astype(np.float32)
ONE_HOT = np.eye(4)[LABELS]


def test_the_best_wrong_class_should_trail() -> None:
    right = (ONE_HOT * SCORES).sum(-1)
    wrong = ((1 - ONE_HOT) * SCORES).max(-1)
    wanted = np.maximum(0, 1 + wrong - right)
    for target in (LABELS, LABELS[..., None], ONE_HOT):
        np.testing.assert_allclose(categorical_hinge(target, SCORES), wanted, rtol=1e-5)


@pytest.mark.parametrize("weights", [None, (0.5, 0.0, 2.0, 1.0)])
@pytest.mark.parametrize("margin", [0.3, 1.0])
@pytest.mark.parametrize("p", [1, 2])
def test_all_wrong_classes_should_trail(p: int, margin: float, weights: Any) -> None:
    right = (ONE_HOT * SCORES).sum(-1, keepdims=True)
    gaps = np.maximum(0, margin - right + SCORES) ** p
    wanted = ((1 - ONE_HOT) * gaps).sum(-1) / 4
    wanted = wanted if weights is None else np.array(weights)[LABELS] * wanted
    options: dict[str, Any] = {"p": p, "margin": margin, "class_weight": weights}
    for target in (LABELS, LABELS[..., None]):
        np.testing.assert_allclose(multi_margin(target, SCORES, **options), wanted, rtol=1e-5)


@pytest.mark.parametrize("function", [categorical_hinge, multi_margin])
def test_labels_without_a_class_are_refused_or_nan_when_traced(function: Any) -> None:
    labels, scores = jnp.array([1, 4]), SCORES[:2, 0]
    with pytest.raises(RangeError, match=f"{function.__name__}: expected labels from 0 to 3"):
        function(labels, scores)
    np.testing.assert_array_equal(jnp.isnan(jax.jit(function)(labels, scores)), [False, True])
    with pytest.raises(ShapeError, match=rf"{function.__name__}: expected `target` of shape \(5,"):
        function(LABELS[:4], SCORES)
    with pytest.raises(DataError, match=f"{function.__name__}: expected labels of an integer"):
        function(np.float32(LABELS), SCORES)


@pytest.mark.parametrize("p", [0, 3, 1.5, "1"])
def test_another_power_is_refused(p: Any) -> None:
    message = "expected `p` to be 1 or 2, received p=.* Use 1 for the usual margin"
    with pytest.raises(ArgumentError, match=f"MultiMargin: {message}"):
        MultiMargin(p=p)
    with pytest.raises(ArgumentError, match=f"multi_margin: {message}"):
        multi_margin(LABELS, SCORES, p=p)


@pytest.mark.parametrize("margin", [0, -1.0, np.nan])
def test_another_margin_is_refused(margin: float) -> None:
    message = "expected `margin` to be a finite number above 0, received margin=.* Use 1.0, or the"
    with pytest.raises(ArgumentError, match=f"MultiMargin: {message}"):
        MultiMargin(margin=margin)
    with pytest.raises(ArgumentError, match=f"multi_margin: {message}"):
        multi_margin(LABELS, SCORES, margin=margin)
