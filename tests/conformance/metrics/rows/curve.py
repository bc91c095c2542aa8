"""Areas under curves, over thresholds and exact."""

from functools import partial

from tests.conformance.metrics.rows.row import CHANCES, YES_NO, MetricRow
from treexlite import metrics

ROWS = [
    MetricRow("AUC", metrics.AUC, YES_NO, CHANCES),
    MetricRow(
        "AUC of precision and recall",
        partial(metrics.AUC, 20, curve="PR", summation_method="majoring"),
        YES_NO[:, None],
        CHANCES,
    ),
    MetricRow("ExactAUC", partial(metrics.ExactAUC, 40), YES_NO, CHANCES.round(1)),
    MetricRow("AveragePrecision", metrics.AveragePrecision, YES_NO == 1, CHANCES),
    MetricRow(
        "ExactAveragePrecision",
        partial(metrics.ExactAveragePrecision, 40),
        YES_NO,
        CHANCES.round(1),
    ),
]
