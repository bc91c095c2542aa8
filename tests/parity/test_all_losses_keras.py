"""Each loss that Keras has, with it: values, weights, masks and gradients, to 1e-5 relative."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.losses import SCALES, SEEDS, TOLERANCE, WEIGHTS, assert_same, draw
from treexlite import losses

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

SMOOTH = {"label_smoothing": 0.2}
PROBABILITIES = {"from_logits": False}
BALANCED = {"alpha": 0.3, "gamma": 1.5}
CLASSES = {"alpha": (0.1, 0.5, 1.0, 2.0), "gamma": 1.5}

# Our class and its options, the name of Keras's and its options, what is drawn, the tolerance.
ROWS: list[tuple[Any, dict[str, Any], str, dict[str, Any], str, float]] = [
    (losses.MeanSquaredError, {}, "MeanSquaredError", {}, "numbers", TOLERANCE),
    (losses.MeanAbsoluteError, {}, "MeanAbsoluteError", {}, "numbers", TOLERANCE),
    (
        losses.MeanAbsolutePercentageError,
        {},
        "MeanAbsolutePercentageError",
        {},
        "positive",
        TOLERANCE,
    ),
    (
        losses.MeanSquaredLogarithmicError,
        {},
        "MeanSquaredLogarithmicError",
        {},
        "positive as positive",
        1e-4,  # Keras adds 1 before it takes the log, which costs digits
    ),
    (losses.Huber, {"delta": 0.7}, "Huber", {"delta": 0.7}, "numbers", TOLERANCE),
    (losses.LogCosh, {}, "LogCosh", {}, "numbers", 1e-4),  # Keras subtracts log 2
    (losses.Poisson, {}, "Poisson", {}, "counts as positive", TOLERANCE),
    (losses.CosineSimilarity, {}, "CosineSimilarity", {}, "numbers", 3e-5),
    (losses.Hinge, {}, "Hinge", {}, "sides", TOLERANCE),
    (losses.Hinge, {}, "Hinge", {}, "yes-no", TOLERANCE),
    (losses.SquaredHinge, {}, "SquaredHinge", {}, "sides", TOLERANCE),
    (losses.CategoricalHinge, {}, "CategoricalHinge", {}, "one-hot", TOLERANCE),
    (
        losses.KLDivergence,
        PROBABILITIES,
        "KLDivergence",
        {},
        "distributions as probabilities",
        2e-4,  # close distributions leave few digits of their differences
    ),
    (
        losses.CrossEntropy,
        SMOOTH,
        "CategoricalCrossentropy",
        {"from_logits": True, **SMOOTH},
        "one-hot",
        TOLERANCE,
    ),
    (
        losses.CrossEntropy,
        {},
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
        "labels",
        TOLERANCE,
    ),
    (
        losses.BinaryCrossEntropy,
        SMOOTH,
        "BinaryCrossentropy",
        {"from_logits": True, **SMOOTH},
        "yes-no",
        TOLERANCE,
    ),
    (
        losses.BinaryCrossEntropy,
        PROBABILITIES,
        "BinaryCrossentropy",
        {},
        "yes-no as probabilities",
        1e-3,  # Keras takes the log of 1 - p, which costs digits
    ),
    (
        losses.BinaryFocalCrossEntropy,
        {**BALANCED, **SMOOTH, **PROBABILITIES},
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, **BALANCED, **SMOOTH},
        "yes-no as probabilities",
        1e-4,
    ),
]
# Keras has no digits of 1 - p left where the scores are large, so these are small.
FOCAL: list[tuple[Any, str, dict[str, Any], dict[str, Any], str]] = [
    (losses.BinaryFocalCrossEntropy, "BinaryFocalCrossentropy", {}, {}, "yes-no"),
    (
        losses.BinaryFocalCrossEntropy,
        "BinaryFocalCrossentropy",
        {**BALANCED, **SMOOTH},
        {"apply_class_balancing": True},
        "yes-no",
    ),
    (losses.CategoricalFocalCrossEntropy, "CategoricalFocalCrossentropy", {}, {}, "one-hot"),
    (
        losses.CategoricalFocalCrossEntropy,
        "CategoricalFocalCrossentropy",
        {**CLASSES, **SMOOTH},
        {},
        "one-hot",
    ),
]


def ids(row: Any) -> str:
    return f"{row[0].__name__} {row[4]}" if isinstance(row, tuple) else str(row)


def compare(
    ours: Any, theirs: Any, target: Any, preds: Any, weights: Any, tolerance: float
) -> None:
    def keras_loss(preds: jax.Array) -> jax.Array:
        return jnp.sum(theirs(target, preds, sample_weight=weights))

    def loss(preds: jax.Array) -> jax.Array:
        return jnp.sum(ours(target, preds, weights))

    values = theirs(target, preds, sample_weight=weights)
    assert_same(ours(target, preds, weights), values, tolerance)
    assert_same(jax.grad(loss)(preds), jax.grad(keras_loss)(jnp.asarray(preds)), tolerance)


@pytest.mark.parametrize("row", ROWS, ids=ids)
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES, weights=WEIGHTS)
def test_each_loss(row: Any, seed: int, scale: float, weights: Any) -> None:
    ours, options, name, theirs, kind, tolerance = row
    target, preds = draw(kind, seed, scale)
    reduction = ["sum_over_batch_size", "sum", "none"][seed % 3]
    compare(
        ours(reduction=reduction, **options),
        getattr(keras.losses, name)(reduction=reduction, **theirs),
        target,
        preds,
        weights,
        tolerance,
    )
    mask = np.arange(len(target)) % 3 != 1
    masked = ours(**options)(target, preds, mask=mask)
    wanted = getattr(keras.losses, name)(**theirs)(target[mask], preds[mask])
    assert_same(masked, wanted, max(tolerance, 2e-5))


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("row", FOCAL)
@settings(max_examples=examples(10))
@given(seed=SEEDS, weights=WEIGHTS)
def test_focal_losses(row: Any, from_logits: bool, seed: int, weights: Any) -> None:
    ours, name, options, more, kind = row
    target, preds = draw(kind, seed, 1.0)
    link: Any = jax.nn.sigmoid if kind == "yes-no" else jax.nn.softmax
    loss = ours(from_logits=from_logits, **options)
    theirs = getattr(keras.losses, name)(from_logits=from_logits, **options, **more)

    def linked(f: Any) -> Any:
        return lambda y, x, *w, **kw: f(y, x if from_logits else link(x), *w, **kw)

    compare(linked(loss), linked(theirs), target, preds, weights, 1e-4)
