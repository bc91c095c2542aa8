"""Losses between classes."""

from functools import partial

import numpy as np

from tests.conformance.losses.rows.row import LABELS, LOGITS, ONE_HOT, LossRow
from treexlite import losses

CERTAIN = ((ONE_HOT, ONE_HOT), (LABELS, ONE_HOT), (LABELS, 1 - ONE_HOT))

ROWS = [
    LossRow(
        "CrossEntropy of labels",
        losses.CrossEntropy,
        LABELS,
        LOGITS,
        losses.cross_entropy,
        awkward=((LABELS, np.zeros_like(LOGITS)), (LABELS, 1e4 * LOGITS)),
    ),
    LossRow(
        "CrossEntropy of probabilities",
        partial(losses.CrossEntropy, from_logits=False, label_smoothing=0.1),
        ONE_HOT,
        np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True),
        partial(losses.cross_entropy, from_logits=False, label_smoothing=0.1),
        awkward=CERTAIN,
    ),
]
