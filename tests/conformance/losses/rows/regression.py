"""Losses between numbers."""

from functools import partial

import numpy as np

from tests.conformance.losses.rows.row import BATCH, NUMBERS, OTHERS, LossRow
from treexlite import losses

ZEROS = np.zeros_like(NUMBERS)
SAME = ((NUMBERS, NUMBERS), (ZEROS, ZEROS))
FAR = ((NUMBERS, 1e4 * OTHERS),)
LEVELS = (0.1, 0.5, 0.8)
SEVERAL = np.stack([OTHERS - 1, OTHERS, OTHERS + 1], axis=-1)

ROWS = [
    LossRow(
        "MeanSquaredError",
        losses.MeanSquaredError,
        NUMBERS,
        OTHERS,
        losses.mean_squared_error,
        awkward=SAME,
    ),
    LossRow(
        "MeanAbsoluteError",
        losses.MeanAbsoluteError,
        NUMBERS,
        OTHERS,
        losses.mean_absolute_error,
        awkward=SAME,
    ),
    LossRow(
        "MeanAbsolutePercentageError",
        losses.MeanAbsolutePercentageError,
        NUMBERS,
        OTHERS,
        losses.mean_absolute_percentage_error,
        awkward=(*SAME, (ZEROS, OTHERS)),
    ),
    LossRow(
        "MeanSquaredLogarithmicError",
        losses.MeanSquaredLogarithmicError,
        np.exp(NUMBERS),
        np.exp(OTHERS),
        losses.mean_squared_logarithmic_error,
        awkward=(*SAME, (-np.exp(NUMBERS), -np.exp(OTHERS)), (NUMBERS, ZEROS - 1)),
    ),
    LossRow(
        "Huber",
        partial(losses.Huber, delta=0.7),
        NUMBERS,
        OTHERS,
        partial(losses.huber, delta=0.7),
        awkward=(*SAME, *FAR, (ZEROS, ZEROS + np.float32(0.7))),
    ),
    LossRow(
        "LogCosh",
        losses.LogCosh,
        NUMBERS,
        OTHERS,
        losses.log_cosh,
        awkward=(*SAME, *FAR),
    ),
    LossRow(
        "Quantile",
        partial(losses.Quantile, 0.3),
        NUMBERS,
        OTHERS,
        partial(losses.quantile, q=0.3),
        awkward=(*SAME, *FAR),
    ),
    LossRow(
        "Quantile of several",
        partial(losses.Quantile, LEVELS),
        NUMBERS,
        SEVERAL,
        partial(losses.quantile, q=LEVELS),
        awkward=((ZEROS, np.zeros((BATCH, 4, 3), np.float32)),),
    ),
    LossRow(
        "CosineSimilarity",
        losses.CosineSimilarity,
        NUMBERS,
        OTHERS,
        losses.cosine_similarity,
        awkward=(
            *SAME,
            (NUMBERS, ZEROS),
            (ZEROS, OTHERS),
            (NUMBERS, np.float32(1e30) * OTHERS),
            (NUMBERS, np.float32(1e-30) * OTHERS),
        ),
    ),
]
