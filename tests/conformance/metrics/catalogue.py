"""One row for each metric; every law of this folder runs over all rows.

A new metric adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row.
"""

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

__all__ = ["EXAMPLES", "METRICS", "WEIGHTS", "MetricRow", "assert_same_value", "ids", "part"]

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
