"""Losses of the overlap of segmentations."""

from functools import partial

import numpy as np

from tests.conformance.losses.rows.row import BATCH, LossRow
from treexlite import losses

_RNG = np.random.default_rng(1)
PIXELS = _RNG.integers(0, 3, (BATCH, 2, 3))
SCORES = (2 * _RNG.normal(size=(BATCH, 2, 3, 3))).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[PIXELS]
MASKS = ONE_HOT[..., :1]
NOTHING = np.zeros_like(MASKS)

EXTREME = ((PIXELS, 1e4 * ONE_HOT), (PIXELS, 1e4 * SCORES), (0 * PIXELS, 0 * SCORES))
CERTAIN = ((MASKS, MASKS), (MASKS, 1 - MASKS), (NOTHING, NOTHING), (NOTHING, MASKS))
PLAIN = {"from_logits": False, "smooth": 0.0}
OTHERS = {"average": "none", "include_background": False, "ignore_index": 1}

ROWS = [
    LossRow("Dice", losses.Dice, PIXELS, SCORES, losses.dice, awkward=EXTREME),
    LossRow(
        "Dice per class",
        partial(losses.Dice, **OTHERS),
        PIXELS,
        SCORES,
        partial(losses.dice, **OTHERS),
        awkward=((np.ones_like(PIXELS), SCORES), *EXTREME),
    ),
    LossRow(
        "Jaccard of one class",
        partial(losses.Jaccard, average="micro", **PLAIN),
        MASKS,
        _RNG.uniform(0.1, 0.9, MASKS.shape).astype(np.float32),
        partial(losses.jaccard, average="micro", **PLAIN),
        awkward=CERTAIN,
    ),
    LossRow(
        "Tversky",
        partial(losses.Tversky, alpha=0.3, beta=0.7, gamma=0.75, multilabel=True, smooth=0.0),
        ONE_HOT,
        SCORES,
        partial(losses.tversky, alpha=0.3, beta=0.7, gamma=0.75, multilabel=True, smooth=0.0),
        awkward=((ONE_HOT, 1e4 * (2 * ONE_HOT - 1)), (0 * ONE_HOT, SCORES)),
    ),
]
