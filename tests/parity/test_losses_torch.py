"""Losses against torch: values and gradients, to 1e-5 relative, and 1e-6 absolute near zero."""

from typing import Any

import jax
import numpy as np
import pytest

from treexlite.losses import CrossEntropy, MeanSquaredError

torch = pytest.importorskip("torch", reason="torch is not installed")

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, 6)
PROBABILITIES = RNG.dirichlet(np.ones(5), 6).astype(np.float32)
LOGITS = (3 * RNG.normal(size=(6, 5))).astype(np.float32)
REDUCTIONS = [
    ("sum_over_batch_size", "mean"),
    ("weighted_mean", "mean"),
    ("sum", "sum"),
    ("none", "none"),
]

MEAN = CrossEntropy(reduction="weighted_mean")


def assert_same(ours: Any, theirs: Any, target: np.ndarray, preds: np.ndarray) -> None:
    x = torch.tensor(preds, requires_grad=True)
    wanted = theirs(x, torch.tensor(target))
    wanted.sum().backward()
    value, gradient = jax.value_and_grad(lambda preds: ours(target, preds).sum())(preds)
    np.testing.assert_allclose(ours(target, preds), wanted.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(value, wanted.sum().item(), rtol=1e-5)
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("target", [LABELS, PROBABILITIES])
@pytest.mark.parametrize(("ours", "theirs"), REDUCTIONS)
def test_cross_entropy(ours: Any, theirs: str, target: np.ndarray, smoothing: float) -> None:
    assert_same(
        CrossEntropy(reduction=ours, label_smoothing=smoothing),
        torch.nn.CrossEntropyLoss(reduction=theirs, label_smoothing=smoothing),
        target,
        LOGITS,
    )


def test_weights_of_examples_act_as_torch_weights_of_classes() -> None:
    class_weights = np.array([0.5, 1, 2, 0, 3], np.float32)
    assert_same(
        lambda target, preds: MEAN(target, preds, class_weights[LABELS]),
        torch.nn.CrossEntropyLoss(weight=torch.tensor(class_weights)),
        LABELS,
        LOGITS,
    )


def test_a_mask_acts_as_torch_ignored_labels() -> None:
    labels = np.where(np.arange(6) % 3 == 0, -100, LABELS)
    assert_same(
        lambda target, preds: CrossEntropy()(target, preds, mask=target >= 0),
        torch.nn.CrossEntropyLoss(ignore_index=-100),
        labels,
        LOGITS,
    )


def test_mean_squared_error() -> None:
    target = RNG.normal(size=LOGITS.shape).astype(np.float32)
    assert_same(MeanSquaredError(), torch.nn.MSELoss(), target, LOGITS)
