"""Losses against optax: values and gradients, to 1e-6 relative, and 1e-6 absolute near zero."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from treexlite.losses import cross_entropy, mean_squared_error

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, (4, 3))
ONE_HOT = np.eye(5, dtype=np.float32)[LABELS]
PROBABILITIES = RNG.dirichlet(np.ones(5), (4, 3)).astype(np.float32)
LOGITS = (3 * RNG.normal(size=(4, 3, 5))).astype(np.float32)


def assert_same(ours: Any, theirs: Any, preds: np.ndarray) -> None:
    """Compare values, and the gradients of a sum with unequal parts."""
    np.testing.assert_allclose(ours(preds), theirs(preds), rtol=1e-6, atol=1e-6)
    parts = jnp.arange(1.0, 13.0).reshape(4, 3)
    gradients = [jax.grad(lambda x, f=f: jnp.vdot(parts, f(x)))(preds) for f in (ours, theirs)]
    np.testing.assert_allclose(*gradients, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [1, 1e4])
def test_cross_entropy_of_labels(scale: float) -> None:
    assert_same(
        lambda preds: cross_entropy(LABELS, preds),
        lambda preds: optax.softmax_cross_entropy_with_integer_labels(preds, LABELS),
        LOGITS * np.float32(scale),
    )


@pytest.mark.parametrize("target", [ONE_HOT, PROBABILITIES])
def test_cross_entropy_of_probabilities(target: np.ndarray) -> None:
    assert_same(
        lambda preds: cross_entropy(target, preds),
        lambda preds: optax.softmax_cross_entropy(preds, target),
        LOGITS,
    )


@pytest.mark.parametrize("target", [LABELS, ONE_HOT])
def test_cross_entropy_of_smoothed_labels(target: np.ndarray) -> None:
    smooth = optax.smooth_labels(jnp.asarray(ONE_HOT), 0.1)
    assert_same(
        lambda preds: cross_entropy(target, preds, label_smoothing=0.1),
        lambda preds: optax.softmax_cross_entropy(preds, smooth),
        LOGITS,
    )


def test_mean_squared_error() -> None:
    target = RNG.normal(size=LOGITS.shape).astype(np.float32)
    assert_same(
        lambda preds: mean_squared_error(target, preds),
        lambda preds: optax.squared_error(preds, target).mean(-1),
        LOGITS,
    )
