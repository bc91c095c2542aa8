"""Losses between classes."""

from functools import partial
from typing import Any

import numpy as np

from tests.conformance.losses.rows.row import LABELS, LOGITS, ONE_HOT, LossRow
from treexlite import losses

CERTAIN = ((ONE_HOT, ONE_HOT), (LABELS, ONE_HOT), (LABELS, 1 - ONE_HOT))
EXTREME = ((LABELS, np.zeros_like(LOGITS)), (LABELS, 1e4 * LOGITS), (ONE_HOT, -1e4 * LOGITS))
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
SMOOTHED: dict[str, Any] = {"from_logits": False, "label_smoothing": 0.1}
WEIGHTED: dict[str, Any] = {
    "class_weight": (0.5, 2.0, 1.0),
    "label_smoothing": 0.2,
    "ignore_index": -1,
}
FOCAL: dict[str, Any] = {"alpha": (0.2, 0.3, 0.5), "gamma": 1.5, **SMOOTHED}
MARGIN: dict[str, Any] = {"p": 2, "margin": 0.5}

ROWS = [
    LossRow(
        "CrossEntropy of labels",
        losses.CrossEntropy,
        LABELS,
        LOGITS,
        losses.cross_entropy,
        awkward=EXTREME,
    ),
    LossRow(
        "CrossEntropy of probabilities",
        partial(losses.CrossEntropy, **SMOOTHED),
        ONE_HOT,
        SOFTMAX,
        partial(losses.cross_entropy, **SMOOTHED),
        awkward=CERTAIN,
    ),
    LossRow(
        "CrossEntropy of weighted labels",
        partial(losses.CrossEntropy, **WEIGHTED),
        LABELS,
        LOGITS,
        partial(losses.cross_entropy, **WEIGHTED),
        awkward=EXTREME[:2],
        weighs=True,
    ),
    LossRow(
        "CategoricalFocalCrossEntropy of labels",
        losses.CategoricalFocalCrossEntropy,
        LABELS,
        LOGITS,
        losses.categorical_focal_cross_entropy,
        awkward=EXTREME,
    ),
    LossRow(
        "CategoricalFocalCrossEntropy of probabilities",
        partial(losses.CategoricalFocalCrossEntropy, **FOCAL),
        ONE_HOT,
        SOFTMAX,
        partial(losses.categorical_focal_cross_entropy, **FOCAL),
        awkward=CERTAIN,
    ),
    LossRow(
        "CategoricalHinge",
        losses.CategoricalHinge,
        LABELS,
        LOGITS,
        losses.categorical_hinge,
        awkward=(*EXTREME, *CERTAIN),
    ),
    LossRow(
        "MultiMargin",
        partial(losses.MultiMargin, **MARGIN),
        LABELS,
        LOGITS,
        partial(losses.multi_margin, **MARGIN),
        awkward=((LABELS, np.zeros_like(LOGITS)), (LABELS, ONE_HOT)),
    ),
    LossRow(
        "KLDivergence",
        losses.KLDivergence,
        SOFTMAX[::-1].copy(),
        LOGITS,
        losses.kl_divergence,
        awkward=((ONE_HOT, 1e4 * LOGITS), (SOFTMAX, LOGITS)),
    ),
    LossRow(
        "KLDivergence of probabilities",
        partial(losses.KLDivergence, from_logits=False, target_from_logits=True),
        LOGITS[::-1].copy(),
        SOFTMAX,
        partial(losses.kl_divergence, from_logits=False, target_from_logits=True),
        awkward=((1e4 * LOGITS, ONE_HOT), (LOGITS, 1 - ONE_HOT)),
    ),
    LossRow(
        "JensenShannonDivergence",
        losses.JensenShannonDivergence,
        SOFTMAX[::-1].copy(),
        LOGITS,
        losses.jensen_shannon_divergence,
        awkward=((ONE_HOT, 1e4 * LOGITS), (SOFTMAX, LOGITS)),
    ),
    LossRow(
        "JensenShannonDivergence of probabilities",
        partial(losses.JensenShannonDivergence, from_logits=False),
        SOFTMAX[::-1].copy(),
        SOFTMAX,
        partial(losses.jensen_shannon_divergence, from_logits=False),
        awkward=((ONE_HOT, ONE_HOT), (ONE_HOT, 1 - ONE_HOT), (0 * ONE_HOT, 0 * ONE_HOT)),
    ),
]
