"""Metrics by name."""

from typing import Any

import pytest

from treexlite import metrics
from treexlite._errors import UnknownNameError
from treexlite.metrics import Accuracy, Mean, Metric, get
from treexlite.metrics._registry import REGISTRY


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("accuracy", Accuracy),
        ("acc", Accuracy),
        ("mean", Mean),
        ("mse", metrics.MeanSquaredError),
        ("rmse", metrics.RootMeanSquaredError),
        ("mae", metrics.MeanAbsoluteError),
        ("mape", metrics.MeanAbsolutePercentageError),
        ("msle", metrics.MeanSquaredLogarithmicError),
        ("r2", metrics.R2Score),
        ("var", metrics.Variance),
        ("pearson", metrics.PearsonCorrelation),
    ],
)
def test_names_stand_for_metrics_with_default_options(name: str, metric: type[Metric]) -> None:
    found = get(name)
    assert type(found) is metric
    assert repr(found) == repr(metric())


def test_each_call_makes_a_new_metric() -> None:
    assert get("accuracy") is not get("accuracy")


def test_every_metric_is_known_under_the_name_of_its_class() -> None:
    for name in REGISTRY.names:
        metric = REGISTRY.find(name)
        assert REGISTRY.find(metric.__name__) is metric


@pytest.mark.parametrize(
    ("name", "options", "metric"),
    [
        ("auroc", {"curve": "PR"}, "AUC"),
        ("ExactAUC", {"capacity": 8}, "ExactAUC"),
        ("ece", {"num_bins": 10}, "CalibrationError"),
        ("wer", {}, "WordErrorRate"),
        ("BLEU", {"max_order": 2}, "BLEU"),
        ("mrr", {}, "MeanReciprocalRank"),
        ("map", {}, "MeanAveragePrecision"),
        ("hit_rate", {"k": 5}, "HitRate"),
        ("sparse_categorical_accuracy", {}, "CategoricalAccuracy"),
        ("top_k_categorical_accuracy", {"k": 3}, "TopKAccuracy"),
        ("f1_score", {"num_classes": 3}, "F1"),
        ("FBetaScore", {"beta": 2}, "FBeta"),
        ("MatthewsCorrCoef", {}, "MatthewsCorrelation"),
        ("mcc", {}, "MatthewsCorrelation"),
        ("cohen_kappa_score", {"weights": "linear"}, "CohenKappa"),
        ("jaccard_score", {}, "JaccardIndex"),
        ("mean_iou", {"num_classes": 3}, "MeanIoU"),
        ("MeanIoU", {}, "MeanIoU"),
        ("dice", {}, "DiceScore"),
        ("sensitivity", {}, "Recall"),
    ],
)
def test_names_of_other_libraries_are_known(name: str, options: Any, metric: str) -> None:
    assert type(get(name, **options)).__name__ == metric


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    message = (
        r"metrics\.get: expected the name of a metric \(\d+ are known\), "
        r"received 'acuracy'\. Did you mean 'accuracy'"
    )
    with pytest.raises(UnknownNameError, match=message):
        get("acuracy")
