"""Losses of overlap against Keras and optax: values and gradients, to 1e-5 relative.

Keras adds 1e-7 to denominators, which are above 1 here. Its `tversky` has alpha and beta exchanged:
what it calls false positives are false negatives.
"""

import os
from typing import Any

import jax
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.losses import Dice, Tversky, dice, tversky

os.environ.setdefault("KERAS_BACKEND", "jax")

AXES = {"micro": (1, 2, 3), "none": (1, 2)}
SEEDS = st.integers(0, 2**32 - 1)
SHARES = st.sampled_from([0.0, 0.3, 0.5, 1.0])


@pytest.fixture(scope="module")
def keras() -> Any:
    return pytest.importorskip("keras", reason="Keras is not installed")


def batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One-hot targets and logits, (batch, height, width, classes)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, (2, 4, 5))
    labels[:, 0, :3] = np.arange(3)  # every class is there
    return np.eye(3, dtype=np.float32)[labels], rng.normal(size=(2, 4, 5, 3)).astype(np.float32)


def assert_same(ours: Any, theirs: Any, preds: np.ndarray) -> None:
    """Compare values, and the gradients of a sum with unequal parts."""

    def results(f: Any, x: jax.Array) -> Any:
        def total(x: jax.Array) -> tuple[jax.Array, jax.Array]:
            values = f(x)
            parts = np.linspace(0.5, 2, values.size, dtype=np.float32).reshape(values.shape)
            return (parts * values).sum(), values

        return jax.grad(total, has_aux=True)(x)

    found, wanted = jax.jit(lambda x: (results(ours, x), results(theirs, x)))(preds)
    for mine, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("average", list(AXES))
@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_dice_is_that_of_keras(keras: Any, average: Any, seed: int) -> None:
    target, logits = batch(seed)
    assert_same(
        lambda p: dice(target, p, average=average, smooth=0, from_logits=False),
        lambda p: keras.losses.dice(target, p, axis=AXES[average]),
        np.asarray(jax.nn.softmax(logits)),
    )


@pytest.mark.parametrize("average", list(AXES))
@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS, alpha=SHARES, beta=SHARES)
def test_tversky_is_that_of_keras_with_its_weights_exchanged(
    keras: Any, average: Any, seed: int, alpha: float, beta: float
) -> None:
    target, logits = batch(seed)
    options = {"average": average, "smooth": 0, "from_logits": False}
    assert_same(
        lambda p: tversky(target, p, alpha=alpha, beta=beta, **options),
        lambda p: keras.losses.tversky(target, p, alpha=beta, beta=alpha, axis=AXES[average]),
        np.asarray(jax.nn.softmax(logits)),
    )


def test_the_losses_of_a_batch_are_those_of_keras(keras: Any) -> None:
    target, logits = batch(0)
    probabilities = np.asarray(jax.nn.softmax(logits))
    options = {"average": "micro", "smooth": 0, "from_logits": False}
    for ours, theirs in (
        (Dice(**options), keras.losses.Dice(axis=(1, 2, 3))),
        (Tversky(**options), keras.losses.Tversky(axis=(1, 2, 3))),
    ):
        np.testing.assert_allclose(
            ours(target, probabilities), theirs(target, probabilities), rtol=1e-5
        )


@pytest.mark.parametrize("smooth", [0.5, 1.0])
@pytest.mark.parametrize("include_background", [True, False])
@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS, alpha=SHARES, beta=SHARES)
def test_tversky_of_logits_is_that_of_optax(
    include_background: bool, smooth: float, seed: int, alpha: float, beta: float
) -> None:
    target, logits = batch(seed)
    assert_same(
        lambda x: tversky(
            target,
            x,
            alpha=alpha,
            beta=beta,
            smooth=smooth,
            include_background=include_background,
        ),
        lambda x: optax.losses.dice_loss(
            x,
            target,
            alpha=alpha,
            beta=beta,
            smooth=smooth,
            ignore_background=not include_background,
        ),
        logits,
    )


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_one_class_passes_through_a_sigmoid_as_in_optax(seed: int) -> None:
    target, logits = (x[..., :1] for x in batch(seed))
    assert_same(
        lambda x: dice(target, x, smooth=2.0),
        lambda x: optax.losses.dice_loss(x, target, smooth=1.0),
        logits,
    )
