"""Metrics: sums that grow batch by batch, and the value computed from them.

Read `_metric` for the life of a metric, `_sums` for how the sums stay exact; each other file holds
one family.
"""

from treexlite.metrics._accuracy import Accuracy, BinaryAccuracy, CategoricalAccuracy, ZeroOneLoss
from treexlite.metrics._aggregates import Max, Min, Sum
from treexlite.metrics._agreement import CohenKappa, MatthewsCorrelation
from treexlite.metrics._at_k import HitRate, PrecisionAtK, RecallAtK
from treexlite.metrics._auc import AUC, ExactAUC
from treexlite.metrics._aux_logs import AuxLosses, AuxMetrics
from treexlite.metrics._average_precision import AveragePrecision, ExactAveragePrecision
from treexlite.metrics._balanced import BalancedAccuracy
from treexlite.metrics._bleu import BLEU
from treexlite.metrics._brier_score import BrierScore
from treexlite.metrics._calibration_error import CalibrationError
from treexlite.metrics._confusion import ConfusionMatrix, MultilabelConfusionMatrix
from treexlite.metrics._correlation import ConcordanceCorrelation, PearsonCorrelation
from treexlite.metrics._cosine_similarity import CosineSimilarity
from treexlite.metrics._edit_distance import EditDistance, WordErrorRate
from treexlite.metrics._explained_variance import ExplainedVariance, R2Score
from treexlite.metrics._f_score import F1, DiceScore, FBeta
from treexlite.metrics._log_loss import LogLoss
from treexlite.metrics._loss_and_logs import LossAndLogs
from treexlite.metrics._losses import Losses
from treexlite.metrics._mean import Mean
from treexlite.metrics._metric import Metric
from treexlite.metrics._metrics import Metrics
from treexlite.metrics._multilabel import HammingLoss, MultilabelAccuracy
from treexlite.metrics._ndcg import NDCG
from treexlite.metrics._overlap import JaccardIndex, MeanIoU
from treexlite.metrics._perplexity import Perplexity
from treexlite.metrics._precision import Precision, Recall, Specificity
from treexlite.metrics._registry import get, register
from treexlite.metrics._regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    RootMeanSquaredError,
)
from treexlite.metrics._retrieval import MeanAveragePrecision, MeanReciprocalRank
from treexlite.metrics._spearman import SpearmanCorrelation
from treexlite.metrics._top_k import TopKAccuracy
from treexlite.metrics._variance import Std, Variance

__all__ = [
    "AUC",
    "Accuracy",
    "AuxLosses",
    "AuxMetrics",
    "AveragePrecision",
    "BLEU",
    "BalancedAccuracy",
    "BinaryAccuracy",
    "BrierScore",
    "CalibrationError",
    "CategoricalAccuracy",
    "CohenKappa",
    "ConcordanceCorrelation",
    "ConfusionMatrix",
    "CosineSimilarity",
    "DiceScore",
    "EditDistance",
    "ExactAUC",
    "ExactAveragePrecision",
    "ExplainedVariance",
    "F1",
    "FBeta",
    "HammingLoss",
    "HitRate",
    "JaccardIndex",
    "LogLoss",
    "LossAndLogs",
    "Losses",
    "MatthewsCorrelation",
    "Max",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanAveragePrecision",
    "MeanIoU",
    "MeanReciprocalRank",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Metrics",
    "Min",
    "MultilabelAccuracy",
    "MultilabelConfusionMatrix",
    "NDCG",
    "PearsonCorrelation",
    "Perplexity",
    "Precision",
    "PrecisionAtK",
    "R2Score",
    "Recall",
    "RecallAtK",
    "RootMeanSquaredError",
    "SpearmanCorrelation",
    "Specificity",
    "Std",
    "Sum",
    "TopKAccuracy",
    "Variance",
    "WordErrorRate",
    "ZeroOneLoss",
    "get",
    "register",
]
