"""Metrics by name, for places that take a string, such as `metrics=["accuracy"]` in a trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._names import Registry
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

REGISTRY: Registry[Metric] = Registry(
    "metrics",
    "a metric",
    {
        "acc": Accuracy,
        "accuracy": Accuracy,
        "auc": AUC,
        "auroc": AUC,
        "aux_losses": AuxLosses,
        "aux_metrics": AuxMetrics,
        "average_precision": AveragePrecision,
        "balanced_accuracy": BalancedAccuracy,
        "balanced_accuracy_score": BalancedAccuracy,
        "binary_accuracy": BinaryAccuracy,
        "bleu": BLEU,
        "brier": BrierScore,
        "brier_score": BrierScore,
        "calibration_error": CalibrationError,
        "categorical_accuracy": CategoricalAccuracy,
        "cohen_kappa": CohenKappa,
        "cohen_kappa_score": CohenKappa,
        "concordance_correlation": ConcordanceCorrelation,
        "confusion_matrix": ConfusionMatrix,
        "cosine_similarity": CosineSimilarity,
        "dice": DiceScore,
        "dice_score": DiceScore,
        "ece": CalibrationError,
        "edit_distance": EditDistance,
        "exact_auc": ExactAUC,
        "exact_average_precision": ExactAveragePrecision,
        "explained_variance": ExplainedVariance,
        "f1": F1,
        "f1_score": F1,
        "f_beta": FBeta,
        "f_beta_score": FBeta,
        "fbeta": FBeta,
        "fbeta_score": FBeta,
        "hamming_loss": HammingLoss,
        "hit_rate": HitRate,
        "iou": JaccardIndex,
        "jaccard": JaccardIndex,
        "jaccard_index": JaccardIndex,
        "jaccard_score": JaccardIndex,
        "kappa": CohenKappa,
        "levenshtein": EditDistance,
        "log_loss": LogLoss,
        "logloss": LogLoss,
        "loss_and_logs": LossAndLogs,
        "losses": Losses,
        "mae": MeanAbsoluteError,
        "map": MeanAveragePrecision,
        "mape": MeanAbsolutePercentageError,
        "matthews_corr_coef": MatthewsCorrelation,
        "matthews_corrcoef": MatthewsCorrelation,
        "matthews_correlation": MatthewsCorrelation,
        "max": Max,
        "mcc": MatthewsCorrelation,
        "mean": Mean,
        "mean_absolute_error": MeanAbsoluteError,
        "mean_absolute_percentage_error": MeanAbsolutePercentageError,
        "mean_average_precision": MeanAveragePrecision,
        "mean_io_u": MeanIoU,
        "mean_iou": MeanIoU,
        "mean_reciprocal_rank": MeanReciprocalRank,
        "mean_squared_error": MeanSquaredError,
        "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
        "metrics": Metrics,
        "min": Min,
        "mrr": MeanReciprocalRank,
        "mse": MeanSquaredError,
        "msle": MeanSquaredLogarithmicError,
        "multilabel_accuracy": MultilabelAccuracy,
        "multilabel_confusion_matrix": MultilabelConfusionMatrix,
        "ndcg": NDCG,
        "pearson": PearsonCorrelation,
        "pearson_correlation": PearsonCorrelation,
        "perplexity": Perplexity,
        "precision": Precision,
        "precision_at_k": PrecisionAtK,
        "precision_score": Precision,
        "r2": R2Score,
        "r2_score": R2Score,
        "recall": Recall,
        "recall_at_k": RecallAtK,
        "recall_score": Recall,
        "rmse": RootMeanSquaredError,
        "roc_auc": AUC,
        "root_mean_squared_error": RootMeanSquaredError,
        "sensitivity": Recall,
        "sparse_categorical_accuracy": CategoricalAccuracy,
        "sparse_top_k_categorical_accuracy": TopKAccuracy,
        "spearman": SpearmanCorrelation,
        "spearman_correlation": SpearmanCorrelation,
        "specificity": Specificity,
        "std": Std,
        "sum": Sum,
        "top_k_accuracy": TopKAccuracy,
        "top_k_accuracy_score": TopKAccuracy,
        "top_k_categorical_accuracy": TopKAccuracy,
        "var": Variance,
        "variance": Variance,
        "wer": WordErrorRate,
        "word_error_rate": WordErrorRate,
        "zero_one_loss": ZeroOneLoss,
    },
)


def get(name: str, **options: Any) -> Metric:
    """Return a new metric.

    Args:
        name: the name of a metric in snake case, that of its class, or the one that Keras has.
        options: what the metric takes by keyword.

    Raises:
        UnknownNameError: no metric has that name; close ones are listed.
        ArgumentError: the metric has no such option, or lacks one that it needs.

    Example:
        >>> import treexlite as tx
        >>> tx.metrics.get("acc").name
        'accuracy'
        >>> tx.metrics.get("accuracy", threshold=0.0).threshold
        0.0
    """
    return REGISTRY.get(name, **options)


def register(
    name: str, metric: Callable[..., Metric], *, replace: bool = False
) -> Callable[..., Metric]:
    """Give a metric of your own a name, and return it.

    Args:
        name: what `get` and `Trainer(metrics=[...])` will find it by.
        metric: the class, or a function that returns a `Metric`.
        replace: whether it may take the place of another.

    Raises:
        ArgumentError: the name is taken, or `metric` cannot be called.

    Example:
        >>> import treexlite as tx
        >>> class Error(tx.metrics.Accuracy):
        ...     def compute(self):
        ...         return 1 - super().compute()
        >>> tx.metrics.register("error", Error, replace=True).__name__
        'Error'
        >>> tx.metrics.get("error").name
        'error'
    """
    return REGISTRY.register(name, metric, replace=replace)
