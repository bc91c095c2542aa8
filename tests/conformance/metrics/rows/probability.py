"""Qualities of probabilities."""

from functools import partial

import numpy as np

from tests.conformance.metrics.rows.row import CHANCES, LABELS, SCORES, YES_NO, MetricRow
from treexlite import metrics

TOKENS = np.stack([LABELS, np.where(YES_NO == 1, LABELS[::-1], -100)], axis=1)
LOGITS = np.stack([SCORES, SCORES[::-1]], axis=1) / 8

ROWS = [
    MetricRow("LogLoss", partial(metrics.LogLoss, from_logits=True), LABELS, SCORES / 8),
    MetricRow("LogLoss of yes or no", metrics.LogLoss, YES_NO, CHANCES),
    MetricRow("BrierScore", partial(metrics.BrierScore, from_logits=True), LABELS, SCORES / 8),
    MetricRow("CalibrationError", partial(metrics.CalibrationError, 4), YES_NO, CHANCES),
    MetricRow(
        "CalibrationError of classes",
        partial(metrics.CalibrationError, 5, norm="l2", from_logits=True),
        LABELS,
        SCORES / 8,
    ),
    MetricRow("Perplexity", metrics.Perplexity, LABELS, SCORES / 8),
    MetricRow("Perplexity of texts", partial(metrics.Perplexity, -100), TOKENS, LOGITS),
]
