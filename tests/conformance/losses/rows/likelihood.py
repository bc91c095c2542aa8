"""Losses that are likelihoods."""

from functools import partial
from typing import Any

import jax
import numpy as np

from tests.conformance.losses.rows.row import LABELS, LOGITS, NUMBERS, OTHERS, LossRow
from treexlite import losses

COUNTS = np.floor(np.exp(NUMBERS)).astype(np.float32)
ZEROS = np.zeros_like(NUMBERS)
LOG_PROBS = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
WEIGHTS = (0.5, 2.0, 1.0)


def laplace(target: Any, preds: Any) -> jax.Array:
    """A distribution of the user's, whose parameters stand in a dict."""
    return jax.scipy.stats.laplace.logpdf(target, preds["loc"], preds["scale"]).sum(-1)


ROWS = [
    LossRow(
        "Poisson",
        partial(losses.Poisson, full=True),
        COUNTS,
        np.exp(OTHERS),
        partial(losses.poisson, full=True),
        awkward=((COUNTS, ZEROS), (ZEROS, ZEROS)),
    ),
    LossRow(
        "Poisson of logs",
        partial(losses.Poisson, log_input=True),
        COUNTS,
        OTHERS,
        partial(losses.poisson, log_input=True),
        awkward=((COUNTS, ZEROS - 200),),
    ),
    LossRow(
        "GaussianNLL",
        losses.GaussianNLL,
        NUMBERS,
        {"mean": OTHERS, "variance": np.exp(NUMBERS[::-1])},
        losses.gaussian_nll,
        awkward=(
            (NUMBERS, {"mean": NUMBERS, "variance": ZEROS}),
            (NUMBERS, {"mean": OTHERS, "variance": ZEROS}),
        ),
    ),
    LossRow(
        "GaussianNLL of logs",
        partial(losses.GaussianNLL, log_variance=True, full=True),
        NUMBERS,
        (OTHERS, NUMBERS[::-1, :1].copy()),
        partial(losses.gaussian_nll, log_variance=True, full=True),
        awkward=((NUMBERS, (OTHERS, ZEROS - 300)), (NUMBERS, (OTHERS, ZEROS + 300))),
    ),
    LossRow(
        "NegativeLogLikelihood",
        losses.NegativeLogLikelihood,
        LABELS,
        LOG_PROBS,
        losses.negative_log_likelihood,
        awkward=((LABELS, np.full_like(LOGITS, -1e30)),),
    ),
    LossRow(
        "NegativeLogLikelihood of a distribution",
        partial(losses.NegativeLogLikelihood, laplace),
        NUMBERS,
        {"loc": OTHERS, "scale": np.exp(NUMBERS[::-1])},
        partial(losses.negative_log_likelihood, log_prob=laplace),
    ),
]
