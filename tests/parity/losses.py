"""Batches that hypothesis draws for losses, and how a loss is compared with that of a peer.

Values and gradients agree to `TOLERANCE`, relative to each number and to a tenth of it relative to
the largest one: sums of float32 in another order differ by that. Few shapes are drawn, because each
is compiled; the numbers in them come from a drawn seed.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st

TOLERANCE = 1e-5
SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.sampled_from([0.1, 1.0, 10.0])
BATCH = 6
# The weights of examples: none at all, some that are 0, all 0.
WEIGHTS = st.sampled_from(
    [
        None,
        np.ones(BATCH, np.float32),
        np.array([1, 0, 0.5, 2, 0, 3], np.float32),
        np.array([0, 0, 0, 1, 0, 0], np.float32),
        np.zeros(BATCH, np.float32),
    ]
)


def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis, from 1e-6 so that no peer has to bound them."""
    powers = np.exp(np.float64(x) - x.max(-1, keepdims=True))
    shares = np.maximum(powers / powers.sum(-1, keepdims=True), 1e-6)
    return np.float32(shares / shares.sum(-1, keepdims=True))


def draw(kind: str, seed: int, scale: float, features: int = 4) -> tuple[Any, Any]:
    """Return a target and predictions of a kind, (BATCH, features) or labels (BATCH,).

    Kinds of targets: numbers, positive, counts, yes-no (0 and 1), sides (-1 and 1), labels,
    one-hot, distributions. A kind may say "as probabilities" or "as positive" of the predictions;
    otherwise they are any numbers.
    """
    rng = np.random.default_rng(seed)
    what, _, how = kind.partition(" as ")
    shape = (BATCH, features)
    labels = rng.integers(0, features, BATCH)
    if seed % 4 == 0:
        labels[:] = labels[0]  # a batch of one class
    target = {
        "numbers": scale * rng.normal(size=shape),
        "positive": np.exp(rng.normal(size=shape)),
        "counts": rng.poisson(3, shape),
        "yes-no": rng.integers(0, 2, shape) if seed % 4 else np.ones(shape),
        "sides": 2 * rng.integers(0, 2, shape) - 1,
        "labels": labels,
        "one-hot": np.eye(features)[labels],
        "distributions": softmax(scale * rng.normal(size=shape)),
    }[what]
    target = target if what == "labels" else np.float32(target)
    preds = np.float32(scale * rng.normal(size=shape))
    if how == "positive":
        preds = np.exp(np.clip(preds, -5, 5))
    if how == "probabilities":
        binary = np.float32(np.clip(1 / (1 + np.exp(-np.float64(preds))), 1e-4, 1 - 1e-4))
        preds = binary if what == "yes-no" else softmax(preds)
    return target, preds


def assert_same(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> None:
    """Compare arrays, relative to each number and to the largest one."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    largest = np.abs(theirs).max(initial=0.0)
    np.testing.assert_allclose(
        ours, theirs, rtol=tolerance, atol=max(tolerance / 10 * largest, 1e-30)
    )
