"""Aggregates of plain values."""

from functools import partial

from tests.conformance.metrics.rows.row import NUMBERS, MetricRow
from treexlite import metrics

ROWS = [
    MetricRow("Sum", metrics.Sum, None, NUMBERS, empty=0.0),
    MetricRow("Max", metrics.Max, None, NUMBERS),
    MetricRow("Min", metrics.Min, None, NUMBERS),
    MetricRow("Variance", metrics.Variance, None, NUMBERS),
    MetricRow("Std unbiased", partial(metrics.Std, ddof=0.5), None, NUMBERS),
]
