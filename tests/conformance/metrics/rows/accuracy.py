"""Shares of predictions that are right."""

from functools import partial

from tests.conformance.metrics.rows.row import CHANCES, LABELS, SCORES, YES_NO, MetricRow
from treexlite import metrics

ROWS = [
    MetricRow("Accuracy of labels", metrics.Accuracy, LABELS, SCORES),
    MetricRow("Accuracy of yes or no", partial(metrics.Accuracy, threshold=0.25), YES_NO, CHANCES),
]
