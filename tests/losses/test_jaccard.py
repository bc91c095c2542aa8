"""Jaccard."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.losses import Jaccard, dice, jaccard, tversky

PLAIN = {"from_logits": False, "smooth": 0.0}
MASKS = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], np.float32)[..., None]
FOUND = np.array([[1, 1, 0, 1], [0, 0, 0, 0]], np.float32)[..., None]


def test_the_loss_by_hand() -> None:
    np.testing.assert_allclose(jaccard(MASKS, FOUND, **PLAIN), [1 - 2 / 4, 1], rtol=1e-6)
    np.testing.assert_allclose(
        jaccard(MASKS, FOUND, from_logits=False), [1 - 3 / 5, 1 / 2], rtol=1e-6
    )


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_it_follows_from_dice_and_is_tversky_with_each_error_in_full(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = (rng.uniform(size=(3, 4, 2)) < 0.5).astype(np.float32)
    preds = rng.uniform(size=(3, 4, 2)).astype(np.float32)
    overlap = 1 - np.asarray(dice(target, preds, average="none", **PLAIN))
    wanted = 1 - overlap / (2 - overlap)
    np.testing.assert_allclose(
        jaccard(target, preds, average="none", **PLAIN), wanted, rtol=1e-5, atol=1e-6
    )
    for smooth in (0.0, 2.0):
        np.testing.assert_allclose(
            jaccard(target, preds, smooth=smooth, from_logits=False),
            tversky(target, preds, alpha=1, beta=1, smooth=smooth, from_logits=False),
            rtol=1e-6,
        )


def test_the_object_passes_its_options_on() -> None:
    labels = np.array([[0, 1, 2, 2]])
    logits = np.linspace(-2, 2, 12, dtype=np.float32).reshape(1, 4, 3)
    options = {"average": "none", "smooth": 0.5, "include_background": False, "ignore_index": 1}
    values = Jaccard(**options, reduction="none")(labels, logits)
    np.testing.assert_array_equal(values, jaccard(labels, logits, **options))
    assert (values != jaccard(labels, logits, average="none")[:, 1:]).any()
