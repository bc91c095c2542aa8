"""Metrics: sums that grow batch by batch, and the value computed from them.

Read `_metric` for the life of a metric, `_sums` for how the sums stay exact; each other file holds
one family.
"""

from treexlite.metrics._accuracy import Accuracy
from treexlite.metrics._aggregates import Max, Min, Sum
from treexlite.metrics._aux_logs import AuxLosses, AuxMetrics
from treexlite.metrics._correlation import ConcordanceCorrelation, PearsonCorrelation
from treexlite.metrics._cosine_similarity import CosineSimilarity
from treexlite.metrics._explained_variance import ExplainedVariance, R2Score
from treexlite.metrics._loss_and_logs import LossAndLogs
from treexlite.metrics._losses import Losses
from treexlite.metrics._mean import Mean
from treexlite.metrics._metric import Metric
from treexlite.metrics._metrics import Metrics
from treexlite.metrics._registry import get, register
from treexlite.metrics._regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    RootMeanSquaredError,
)
from treexlite.metrics._spearman import SpearmanCorrelation
from treexlite.metrics._variance import Std, Variance

__all__ = [
    "Accuracy",
    "AuxLosses",
    "AuxMetrics",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "ExplainedVariance",
    "LossAndLogs",
    "Losses",
    "Max",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Metrics",
    "Min",
    "PearsonCorrelation",
    "R2Score",
    "RootMeanSquaredError",
    "SpearmanCorrelation",
    "Std",
    "Sum",
    "Variance",
    "get",
    "register",
]
