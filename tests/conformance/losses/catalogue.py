"""One row for each loss; every law of this folder runs over all rows.

A new loss adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row.
"""

from tests.conformance.losses.rows import (
    binary,
    classification,
    likelihood,
    metric_learning,
    overlap,
    regression,
    sequence,
    variational,
)
from tests.conformance.losses.rows.row import BATCH, LossRow, cast, ids, junk, part

__all__ = ["BATCH", "LOSSES", "REDUCTIONS", "LossRow", "cast", "ids", "junk", "part"]

LOSSES = [
    *regression.ROWS,
    *likelihood.ROWS,
    *classification.ROWS,
    *overlap.ROWS,
    *sequence.ROWS,
    *metric_learning.ROWS,
    *variational.ROWS,
    *binary.ROWS,
]

REDUCTIONS = ["sum_over_batch_size", "weighted_mean", "sum", "none"]
