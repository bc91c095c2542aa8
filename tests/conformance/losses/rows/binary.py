"""Losses between yes and no."""

from functools import partial
from typing import Any

import numpy as np

from tests.conformance.losses.rows.row import NUMBERS, PROBABILITIES, YES_NO, LossRow
from treexlite import losses

ZEROS = np.zeros_like(NUMBERS)
EXTREME = ((YES_NO, ZEROS), (YES_NO, 1e4 * NUMBERS))
CERTAIN = ((YES_NO, YES_NO), (YES_NO, 1 - YES_NO))
SOFT = ((PROBABILITIES, 1e4 * NUMBERS), (PROBABILITIES, 200 * NUMBERS))
SMOOTHED: dict[str, Any] = {"from_logits": False, "label_smoothing": 0.1}
WEIGHTED: dict[str, Any] = {"pos_weight": (1.0, 2.0, 0.5, 3.0), **SMOOTHED}
FOCAL: dict[str, Any] = {"alpha": 0.3, "gamma": 0.5, **SMOOTHED}

ROWS = [
    LossRow(
        "BinaryCrossEntropy",
        losses.BinaryCrossEntropy,
        YES_NO,
        NUMBERS,
        losses.binary_cross_entropy,
        awkward=(*EXTREME, *SOFT),
    ),
    LossRow(
        "BinaryCrossEntropy of probabilities",
        partial(losses.BinaryCrossEntropy, **WEIGHTED),
        YES_NO,
        PROBABILITIES,
        partial(losses.binary_cross_entropy, **WEIGHTED),
        awkward=(*CERTAIN, (PROBABILITIES, YES_NO)),
    ),
    LossRow(
        "BinaryFocalCrossEntropy",
        losses.BinaryFocalCrossEntropy,
        YES_NO,
        NUMBERS,
        losses.binary_focal_cross_entropy,
        awkward=(*EXTREME, *SOFT),
    ),
    LossRow(
        "BinaryFocalCrossEntropy of probabilities",
        partial(losses.BinaryFocalCrossEntropy, **FOCAL),
        YES_NO,
        PROBABILITIES,
        partial(losses.binary_focal_cross_entropy, **FOCAL),
        awkward=(*CERTAIN, (PROBABILITIES, YES_NO)),
    ),
    LossRow(
        "Hinge",
        losses.Hinge,
        YES_NO,
        NUMBERS,
        losses.hinge,
        awkward=(*EXTREME, *CERTAIN),
    ),
    LossRow(
        "SquaredHinge",
        losses.SquaredHinge,
        2 * YES_NO - 1,
        NUMBERS,
        losses.squared_hinge,
        awkward=(*EXTREME, *CERTAIN),
    ),
]
