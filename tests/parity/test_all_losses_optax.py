"""Each loss that optax has, with it: values and gradients, to 1e-5 relative."""

from functools import partial
from typing import Any

import jax
import optax
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.losses import SCALES, SEEDS, TOLERANCE, assert_same, draw
from treexlite import losses

# Our function, optax's of (preds, target), what is drawn, the tolerance.
ROWS: list[tuple[str, Any, Any, str, float]] = [
    ("mean_squared_error", losses.mean_squared_error, optax.squared_error, "numbers", TOLERANCE),
    ("huber", losses.huber, optax.huber_loss, "numbers", TOLERANCE),
    ("log_cosh", losses.log_cosh, optax.log_cosh, "numbers", 1e-4),  # optax subtracts log 2
    ("hinge", losses.hinge, optax.hinge_loss, "sides", TOLERANCE),
    (
        "binary_cross_entropy",
        losses.binary_cross_entropy,
        optax.sigmoid_binary_cross_entropy,
        "yes-no",
        TOLERANCE,
    ),
    (
        "binary_focal_cross_entropy",
        losses.binary_focal_cross_entropy,
        optax.sigmoid_focal_loss,
        "yes-no",
        1e-4,  # optax multiplies logs
    ),
    (
        "binary_focal_cross_entropy, balanced",
        lambda target, preds: losses.binary_focal_cross_entropy(
            target, preds, alpha=0.25, gamma=1.5
        ),
        lambda preds, target: optax.sigmoid_focal_loss(preds, target, alpha=0.25, gamma=1.5),
        "yes-no",
        1e-4,
    ),
    (
        "cosine_similarity",
        losses.cosine_similarity,
        lambda preds, target: -optax.cosine_similarity(preds, target),
        "numbers",
        3e-5,
    ),
    (
        "kl_divergence",
        losses.kl_divergence,
        lambda preds, target: optax.kl_divergence(jax.nn.log_softmax(preds), target),
        "distributions",
        3e-5,
    ),
    (
        "kl_divergence of logits",
        lambda target, preds: losses.kl_divergence(target, preds, target_from_logits=True),
        lambda preds, target: optax.losses.kl_divergence_with_log_targets(
            jax.nn.log_softmax(preds), jax.nn.log_softmax(target)
        ),
        "numbers",
        3e-5,
    ),
]


@partial(jax.jit, static_argnums=(0, 1))
def results(ours: Any, theirs: Any, target: jax.Array, preds: jax.Array) -> Any:
    """The gradients and values of both sides, of means over the features, in one program."""

    def mean(preds: jax.Array) -> jax.Array:
        values = theirs(preds, target)
        return values.mean(-1) if values.ndim > 1 else values

    def derived(f: Any) -> Any:
        return jax.grad(lambda preds: (f(preds).sum(), f(preds)), has_aux=True)(preds)

    return derived(lambda preds: ours(target, preds)), derived(mean)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_each_loss(row: Any, seed: int, scale: float) -> None:
    _, ours, theirs, kind, tolerance = row
    target, preds = draw(kind, seed, scale)
    found, wanted = results(ours, theirs, target, preds)
    for mine, expected in zip(found, wanted, strict=True):
        assert_same(mine, expected, tolerance)
