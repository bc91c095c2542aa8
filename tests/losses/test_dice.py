"""Dice and Jaccard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.losses import Dice, Jaccard, dice, jaccard, tversky

PLAIN = {"from_logits": False, "smooth": 0.0}
MASKS = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], np.float32)[..., None]
FOUND = np.array([[1, 1, 0, 1], [0, 0, 0, 0]], np.float32)[..., None]


def test_the_losses_by_hand() -> None:
    np.testing.assert_allclose(dice(MASKS, FOUND, **PLAIN), [1 - 4 / 6, 1], rtol=1e-6)
    np.testing.assert_allclose(jaccard(MASKS, FOUND, **PLAIN), [1 - 2 / 4, 1], rtol=1e-6)
    np.testing.assert_allclose(dice(MASKS, FOUND, from_logits=False), [1 - 5 / 7, 1 / 2], rtol=1e-6)
    np.testing.assert_allclose(
        jaccard(MASKS, FOUND, from_logits=False), [1 - 3 / 5, 1 / 2], rtol=1e-6
    )


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_one_follows_from_the_other_and_both_from_tversky(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = (rng.uniform(size=(3, 4, 2)) < 0.5).astype(np.float32)
    preds = rng.uniform(size=(3, 4, 2)).astype(np.float32)
    found = 1 - np.asarray(dice(target, preds, average="none", **PLAIN))
    wanted = 1 - found / (2 - found)
    np.testing.assert_allclose(
        jaccard(target, preds, average="none", **PLAIN), wanted, rtol=1e-5, atol=1e-6
    )
    for smooth in (0.0, 2.0):
        halves = tversky(target, preds, smooth=smooth / 2, from_logits=False)
        np.testing.assert_allclose(
            dice(target, preds, smooth=smooth, from_logits=False), halves, rtol=1e-6
        )
        whole = tversky(target, preds, alpha=1, beta=1, smooth=smooth, from_logits=False)
        np.testing.assert_allclose(
            jaccard(target, preds, smooth=smooth, from_logits=False), whole, rtol=1e-6
        )


@pytest.mark.parametrize("loss", [Dice, Jaccard])
def test_the_objects_pass_their_options_on(loss: type[Dice | Jaccard]) -> None:
    labels = np.array([[0, 1, 2, 2]])
    logits = np.linspace(-2, 2, 12, dtype=np.float32).reshape(1, 4, 3)
    function = {Dice: dice, Jaccard: jaccard}[loss]
    options = {"average": "none", "smooth": 0.5, "include_background": False, "ignore_index": 1}
    values = loss(**options, reduction="none")(labels, logits)
    np.testing.assert_array_equal(values, function(labels, logits, **options))
    assert (values != function(labels, logits, average="none")[:, 1:]).any()
