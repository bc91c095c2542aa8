"""Metrics against flax.nnx, to 1e-6 relative, over batches of unequal size."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.metrics import Accuracy, Mean

nnx = pytest.importorskip("flax.nnx", reason="flax is not installed")

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 100).astype(np.int32)
SCORES = (RNG.normal(size=(100, 3)) + np.eye(3)[LABELS]).astype(np.float32)
BATCHES = np.split(np.arange(100), [1, 40, 90])


def assert_same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.compute(), theirs.compute(), rtol=1e-6)


def test_accuracy() -> None:
    ours, theirs = Accuracy(), nnx.metrics.Accuracy()
    for batch in BATCHES:
        ours.update(LABELS[batch], SCORES[batch])
        theirs.update(logits=jnp.asarray(SCORES[batch]), labels=jnp.asarray(LABELS[batch]))
        assert_same(ours, theirs)


def test_binary_accuracy() -> None:
    ours, theirs = Accuracy(threshold=0.25), nnx.metrics.Accuracy(threshold=0.25)
    labels, scores = LABELS // 2, SCORES[:, 0]
    for batch in BATCHES:
        ours.update(labels[batch], scores[batch])
        theirs.update(logits=jnp.asarray(scores[batch]), labels=jnp.asarray(labels[batch]))
        assert_same(ours, theirs)


def test_mean() -> None:
    ours, theirs = Mean(), nnx.metrics.Average()
    for batch in BATCHES:
        ours.update(values=SCORES[batch])
        theirs.update(values=jnp.asarray(SCORES[batch]))
        assert_same(ours, theirs)
