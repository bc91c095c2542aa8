"""One row for each loss; every law of this folder runs over all rows.

A new loss adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row. `make test` tests the laws that are dear to compile for a sample of
rows, with every form of targets and predictions; `make laws`, a part of CI, for all.
"""

from tests.budget import ALL_LAWS
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

__all__ = [
    "BATCH",
    "LOSSES",
    "REDUCTIONS",
    "SAMPLE",
    "SAMPLED",
    "LossRow",
    "cast",
    "ids",
    "junk",
    "part",
]

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

SAMPLE = {
    "MeanSquaredError",
    "Quantile of several",
    "CosineSimilarity",
    "GaussianNLL",
    "CrossEntropy of labels",
    "CrossEntropy of weighted labels",
    "CategoricalFocalCrossEntropy of probabilities",
    "KLDivergence",
    "Dice per class",
    "CTC",
    "Contrastive of embeddings",
    "TripletHard",
    "NTXent",
    "NegativeELBO",
    "BinaryCrossEntropy",
    "Hinge",
}

SAMPLED = [row for row in LOSSES if row.name in SAMPLE or ALL_LAWS]

REDUCTIONS = ["sum_over_batch_size", "weighted_mean", "sum", "none"]
