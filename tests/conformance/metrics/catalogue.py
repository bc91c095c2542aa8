"""One row for each metric; every law of this folder runs over all rows.

A new metric adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row. `make test` tests the laws that are dear to compile for a sample of
rows, with every form of state; `make laws`, a part of CI, for all.
"""

import jax

from tests.budget import ALL_LAWS
from tests.conformance.metrics.rows import (
    accuracy,
    aggregates,
    collections,
    counts,
    curve,
    mean,
    probability,
    regression,
    retrieval,
    text,
)
from tests.conformance.metrics.rows.row import (
    EXAMPLES,
    WEIGHTS,
    MetricRow,
    assert_same_value,
    ids,
    part,
)

__all__ = [
    "ALL_LAWS",
    "EXAMPLES",
    "METRICS",
    "SAMPLE",
    "SAMPLED",
    "WEIGHTS",
    "MetricRow",
    "assert_same_value",
    "ids",
    "part",
    "updated",
    "value",
]

METRICS = [
    *mean.ROWS,
    *accuracy.ROWS,
    *curve.ROWS,
    *probability.ROWS,
    *text.ROWS,
    *retrieval.ROWS,
    *aggregates.ROWS,
    *collections.ROWS,
    *regression.ROWS,
    *counts.ROWS,
]

SAMPLE = {
    "Mean",
    "Accuracy of labels",
    "TopKAccuracy",
    "MultilabelAccuracy, exact match",
    "AUC",
    "ExactAveragePrecision",
    "CalibrationError",
    "Perplexity of texts",
    "BLEU",
    "EditDistance",
    "NDCG",
    "Min",
    "Std unbiased",
    "Metrics",
    "LossAndLogs",
    "MeanSquaredError of features",
    "R2Score",
    "PearsonCorrelation",
    "SpearmanCorrelation",
    "Precision, macro",
    "ConfusionMatrix",
    "CohenKappa",
}

SAMPLED = [row for row in METRICS if row.name in SAMPLE or ALL_LAWS]

# Compiled once for each metric and size, where eager code would compile every operation of it.
updated = jax.jit(lambda metric, batch: metric.update(**batch))
value = jax.jit(lambda metric: metric.compute())
