"""Metrics that are made of counts of classes."""

import math
from functools import partial

from tests.conformance.metrics.rows.row import CHANCES, LABELS, SCORES, YES_NO, MetricRow
from tests.conformance.metrics.rows.tags import TAG_SCORES, TAGS
from treexlite import metrics

ROWS = [
    MetricRow("Precision of yes or no", metrics.Precision, YES_NO, CHANCES),
    MetricRow("Precision, macro", partial(metrics.Precision, num_classes=3), LABELS, SCORES),
    MetricRow(
        "Precision of labels, each",
        partial(metrics.Precision, num_labels=3, average="none", zero_division=math.nan),
        TAGS,
        TAG_SCORES,
    ),
    MetricRow("Recall, each", partial(metrics.Recall, num_classes=3, average=None), LABELS, SCORES),
    MetricRow(
        "Specificity", partial(metrics.Specificity, num_classes=4, average="macro"), LABELS, LABELS
    ),
    MetricRow(
        "FBeta, weighted",
        partial(metrics.FBeta, 2.0, num_classes=3, average="weighted"),
        LABELS,
        SCORES,
    ),
    MetricRow("F1, micro", partial(metrics.F1, num_labels=3, average="micro"), TAGS, TAG_SCORES),
    MetricRow("DiceScore", metrics.DiceScore, YES_NO, CHANCES),
    MetricRow("JaccardIndex", partial(metrics.JaccardIndex, num_classes=3), LABELS, SCORES),
    MetricRow("MeanIoU", partial(metrics.MeanIoU, num_classes=4), LABELS, LABELS[::-1].copy()),
    MetricRow(
        "ConfusionMatrix", partial(metrics.ConfusionMatrix, num_classes=3), LABELS, SCORES, empty=0
    ),
    MetricRow(
        "ConfusionMatrix, normalized",
        partial(metrics.ConfusionMatrix, num_classes=3, normalize="true"),
        LABELS,
        SCORES,
    ),
    MetricRow(
        "MultilabelConfusionMatrix",
        partial(metrics.MultilabelConfusionMatrix, num_labels=3),
        TAGS,
        TAG_SCORES,
        empty=0,
    ),
    MetricRow(
        "MatthewsCorrelation", partial(metrics.MatthewsCorrelation, num_classes=3), LABELS, SCORES
    ),
    MetricRow(
        "CohenKappa",
        partial(metrics.CohenKappa, num_classes=3, weights="quadratic"),
        LABELS,
        SCORES,
    ),
]
