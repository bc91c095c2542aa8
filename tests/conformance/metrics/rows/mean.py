"""Means."""

from tests.conformance.metrics.rows.row import NUMBERS, MetricRow
from treexlite import metrics

ROWS = [MetricRow("Mean", metrics.Mean, None, NUMBERS)]
