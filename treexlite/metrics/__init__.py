"""Metrics: sums that grow batch by batch, and the value computed from them.

Read `_metric` for the life of a metric, `_sums` for how the sums stay exact, `_class_counts` for
what metrics of classes count; each other file holds one family.
"""

from treexlite.metrics._accuracy import Accuracy, BinaryAccuracy, CategoricalAccuracy, ZeroOneLoss
from treexlite.metrics._agreement import CohenKappa, MatthewsCorrelation
from treexlite.metrics._balanced import BalancedAccuracy
from treexlite.metrics._confusion import ConfusionMatrix, MultilabelConfusionMatrix
from treexlite.metrics._f_score import F1, DiceScore, FBeta
from treexlite.metrics._mean import Mean
from treexlite.metrics._metric import Metric
from treexlite.metrics._multilabel import HammingLoss, MultilabelAccuracy
from treexlite.metrics._overlap import JaccardIndex, MeanIoU
from treexlite.metrics._precision import Precision, Recall, Specificity
from treexlite.metrics._registry import get, register
from treexlite.metrics._top_k import TopKAccuracy

__all__ = [
    "F1",
    "Accuracy",
    "BalancedAccuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "CohenKappa",
    "ConfusionMatrix",
    "DiceScore",
    "FBeta",
    "HammingLoss",
    "JaccardIndex",
    "MatthewsCorrelation",
    "Mean",
    "MeanIoU",
    "Metric",
    "MultilabelAccuracy",
    "MultilabelConfusionMatrix",
    "Precision",
    "Recall",
    "Specificity",
    "TopKAccuracy",
    "ZeroOneLoss",
    "get",
    "register",
]
