"""Metrics by name, for places that take a string, such as `metrics=["accuracy"]` in a trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._names import Registry
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
from treexlite.metrics._top_k import TopKAccuracy

REGISTRY: Registry[Metric] = Registry(
    "metrics",
    "a metric",
    {
        "acc": Accuracy,
        "accuracy": Accuracy,
        "balanced_accuracy": BalancedAccuracy,
        "balanced_accuracy_score": BalancedAccuracy,
        "binary_accuracy": BinaryAccuracy,
        "categorical_accuracy": CategoricalAccuracy,
        "cohen_kappa": CohenKappa,
        "cohen_kappa_score": CohenKappa,
        "confusion_matrix": ConfusionMatrix,
        "dice": DiceScore,
        "dice_score": DiceScore,
        "f1": F1,
        "f1_score": F1,
        "f_beta": FBeta,
        "f_beta_score": FBeta,
        "fbeta": FBeta,
        "fbeta_score": FBeta,
        "hamming_loss": HammingLoss,
        "iou": JaccardIndex,
        "jaccard": JaccardIndex,
        "jaccard_index": JaccardIndex,
        "jaccard_score": JaccardIndex,
        "kappa": CohenKappa,
        "matthews_corr_coef": MatthewsCorrelation,
        "matthews_corrcoef": MatthewsCorrelation,
        "matthews_correlation": MatthewsCorrelation,
        "mcc": MatthewsCorrelation,
        "mean": Mean,
        "mean_io_u": MeanIoU,
        "mean_iou": MeanIoU,
        "multilabel_accuracy": MultilabelAccuracy,
        "multilabel_confusion_matrix": MultilabelConfusionMatrix,
        "precision": Precision,
        "precision_score": Precision,
        "recall": Recall,
        "recall_score": Recall,
        "sensitivity": Recall,
        "sparse_categorical_accuracy": CategoricalAccuracy,
        "sparse_top_k_categorical_accuracy": TopKAccuracy,
        "specificity": Specificity,
        "top_k_accuracy": TopKAccuracy,
        "top_k_accuracy_score": TopKAccuracy,
        "top_k_categorical_accuracy": TopKAccuracy,
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
