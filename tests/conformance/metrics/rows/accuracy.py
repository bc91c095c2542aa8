"""Shares of predictions that are right."""

from functools import partial

from tests.conformance.metrics.rows.row import CHANCES, LABELS, SCORES, YES_NO, MetricRow
from tests.conformance.metrics.rows.tags import TAG_SCORES, TAGS
from treexlite import metrics

ROWS = [
    MetricRow("Accuracy of labels", metrics.Accuracy, LABELS, SCORES),
    MetricRow("Accuracy of yes or no", partial(metrics.Accuracy, threshold=0.25), YES_NO, CHANCES),
    MetricRow("BinaryAccuracy", metrics.BinaryAccuracy, YES_NO, CHANCES),
    MetricRow("CategoricalAccuracy", metrics.CategoricalAccuracy, LABELS, SCORES),
    MetricRow("ZeroOneLoss", metrics.ZeroOneLoss, LABELS, SCORES),
    MetricRow("TopKAccuracy", partial(metrics.TopKAccuracy, k=2), LABELS, SCORES),
    MetricRow("BalancedAccuracy", metrics.BalancedAccuracy, YES_NO, CHANCES),
    MetricRow(
        "BalancedAccuracy, adjusted",
        partial(metrics.BalancedAccuracy, num_classes=3, adjusted=True),
        LABELS,
        SCORES,
    ),
    MetricRow("MultilabelAccuracy, exact match", metrics.MultilabelAccuracy, TAGS, TAG_SCORES),
    MetricRow(
        "MultilabelAccuracy, Hamming",
        partial(metrics.MultilabelAccuracy, "hamming"),
        TAGS,
        TAG_SCORES,
    ),
    MetricRow("HammingLoss", metrics.HammingLoss, TAGS, TAG_SCORES),
]
