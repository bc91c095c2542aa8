"""Losses of variational autoencoders."""

from functools import partial

import numpy as np

from tests.conformance.losses.rows.row import NUMBERS, OTHERS, YES_NO, LossRow
from treexlite import losses

_RNG = np.random.default_rng(4)
MEAN, LOG_VAR = _RNG.normal(size=(2, *NUMBERS.shape[:1], 3)).astype(np.float32)
GAUSSIAN = {"likelihood": "gaussian", "beta": 2.0}

ROWS = [
    LossRow(
        "NegativeELBO",
        losses.NegativeELBO,
        YES_NO,
        {"reconstruction": NUMBERS, "mean": MEAN, "log_var": LOG_VAR},
        losses.negative_elbo,
        awkward=((YES_NO, (1e4 * NUMBERS, 0 * MEAN, 0 * LOG_VAR - 80)),),
    ),
    LossRow(
        "NegativeELBO of a Gaussian",
        partial(losses.NegativeELBO, **GAUSSIAN),
        NUMBERS,
        (OTHERS, MEAN, LOG_VAR),
        partial(losses.negative_elbo, **GAUSSIAN),
        awkward=((NUMBERS, (NUMBERS, 0 * MEAN, 0 * LOG_VAR)),),
    ),
]
