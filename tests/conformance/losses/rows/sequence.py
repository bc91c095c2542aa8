"""Losses of sequences."""

from functools import partial

import numpy as np

from tests.conformance.losses.rows.row import BATCH, LossRow
from treexlite import losses

_RNG = np.random.default_rng(2)
LABELS = np.array([[1, 2], [2, 2], [3, 0], [0, 0], [1, 3], [2, 0]])
LOGITS = (2 * _RNG.normal(size=(BATCH, 4, 4))).astype(np.float32)
CERTAIN = np.eye(4, dtype=np.float32)[np.array([[1, 1, 0, 2]] * BATCH)]
BLANK_LAST = np.array([[1, 2], [2, 2], [0, -1], [-1, -1], [1, 0], [2, -1]])
IMPOSSIBLE = np.array([[2, 2]] * BATCH), LOGITS[:, :2]

ROWS = [
    LossRow(
        "CTC",
        losses.CTC,
        LABELS,
        LOGITS,
        losses.ctc,
        awkward=((LABELS, 0 * LOGITS), (LABELS, 1e4 * LOGITS), (LABELS, 1e4 * CERTAIN)),
    ),
    LossRow(
        "CTC with the blank last",
        partial(losses.CTC, blank=3, zero_infinity=True),
        BLANK_LAST,
        LOGITS,
        partial(losses.ctc, blank=3, zero_infinity=True),
        awkward=(IMPOSSIBLE,),
    ),
]
