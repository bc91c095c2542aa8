"""Metrics: sums that grow batch by batch, and the value computed from them.

Read `_metric` for the life of a metric, `_sums` for how the sums stay exact; each other file holds
one family.
"""

from treexlite.metrics._accuracy import Accuracy
from treexlite.metrics._at_k import HitRate, PrecisionAtK, RecallAtK
from treexlite.metrics._auc import AUC, ExactAUC
from treexlite.metrics._average_precision import AveragePrecision, ExactAveragePrecision
from treexlite.metrics._bleu import BLEU
from treexlite.metrics._brier_score import BrierScore
from treexlite.metrics._calibration_error import CalibrationError
from treexlite.metrics._edit_distance import EditDistance, WordErrorRate
from treexlite.metrics._log_loss import LogLoss
from treexlite.metrics._mean import Mean
from treexlite.metrics._metric import Metric
from treexlite.metrics._ndcg import NDCG
from treexlite.metrics._perplexity import Perplexity
from treexlite.metrics._registry import get, register
from treexlite.metrics._retrieval import MeanAveragePrecision, MeanReciprocalRank

__all__ = [
    "AUC",
    "Accuracy",
    "AveragePrecision",
    "BLEU",
    "BrierScore",
    "CalibrationError",
    "EditDistance",
    "ExactAUC",
    "ExactAveragePrecision",
    "HitRate",
    "LogLoss",
    "Mean",
    "MeanAveragePrecision",
    "MeanReciprocalRank",
    "Metric",
    "NDCG",
    "Perplexity",
    "PrecisionAtK",
    "RecallAtK",
    "WordErrorRate",
    "get",
    "register",
]
