"""Errors, explained variance and correlations of numbers."""

from functools import partial

import numpy as np

from tests.conformance.metrics.rows.row import CHANCES, EXAMPLES, GUESSES, NUMBERS, MetricRow
from treexlite import metrics

SEVERAL = np.stack([NUMBERS, GUESSES, CHANCES + 100], axis=-1)
GUESSED = SEVERAL + np.stack([CHANCES, -CHANCES, NUMBERS / 8], axis=-1)

ROWS = [
    MetricRow("MeanSquaredError", metrics.MeanSquaredError, NUMBERS, GUESSES),
    MetricRow("MeanSquaredError of features", metrics.MeanSquaredError, SEVERAL, GUESSED),
    MetricRow("RootMeanSquaredError", metrics.RootMeanSquaredError, NUMBERS, GUESSES),
    MetricRow("MeanAbsoluteError", metrics.MeanAbsoluteError, NUMBERS, GUESSES[:, None]),
    MetricRow("MeanAbsolutePercentageError", metrics.MeanAbsolutePercentageError, CHANCES, NUMBERS),
    MetricRow(
        "MeanSquaredLogarithmicError",
        metrics.MeanSquaredLogarithmicError,
        CHANCES,
        np.abs(GUESSES),
    ),
    MetricRow("CosineSimilarity", metrics.CosineSimilarity, SEVERAL, GUESSED),
    MetricRow("ExplainedVariance", metrics.ExplainedVariance, NUMBERS, GUESSES),
    MetricRow(
        "ExplainedVariance weighted by variance",
        partial(metrics.ExplainedVariance, 3, multioutput="variance_weighted"),
        SEVERAL,
        GUESSED,
    ),
    MetricRow("R2Score", metrics.R2Score, NUMBERS, GUESSES),
    MetricRow(
        "R2Score of outputs",
        partial(metrics.R2Score, num_outputs=3, multioutput="raw_values"),
        SEVERAL,
        GUESSED,
    ),
    MetricRow("PearsonCorrelation", metrics.PearsonCorrelation, NUMBERS, GUESSES),
    MetricRow(
        "PearsonCorrelation of outputs", partial(metrics.PearsonCorrelation, 3), SEVERAL, GUESSED
    ),
    MetricRow("ConcordanceCorrelation", metrics.ConcordanceCorrelation, NUMBERS, GUESSES),
    MetricRow(
        "SpearmanCorrelation",
        partial(metrics.SpearmanCorrelation, capacity=2 * EXAMPLES),
        NUMBERS,
        GUESSES,
    ),
]
