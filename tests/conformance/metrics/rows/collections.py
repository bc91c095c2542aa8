"""Several metrics, losses and logs as one."""

from functools import partial
from typing import Any

import numpy as np

from tests.conformance.metrics.rows.row import GUESSES, LABELS, NUMBERS, SCORES, MetricRow
from treexlite import losses, metrics


def several(**options: Any) -> metrics.Metrics:
    inner = metrics.Metrics({"r2": metrics.R2Score()})
    found = [metrics.MeanSquaredError(), metrics.MeanSquaredError(), {"inner": inner}]
    return metrics.Metrics(found, **options)


def some_losses(**options: Any) -> metrics.Losses:
    found = [
        losses.CrossEntropy(reduction="weighted_mean"),
        losses.CrossEntropy(weight=0.5, reduction="weighted_mean"),
        losses.CrossEntropy(reduction="sum", name="total"),
    ]
    return metrics.Losses(found, **options)


def all_of_them(**options: Any) -> metrics.LossAndLogs:
    return metrics.LossAndLogs(
        losses.CrossEntropy(reduction="weighted_mean"), metrics.Accuracy(), **options
    )


LOGS = {"entropy": NUMBERS, "size": np.stack([GUESSES, NUMBERS], axis=-1)}

ROWS = [
    MetricRow("Metrics", several, NUMBERS, GUESSES),
    MetricRow("Losses", some_losses, LABELS, SCORES),
    MetricRow("AuxMetrics", partial(metrics.AuxMetrics, list(LOGS)), None, LOGS),
    MetricRow("AuxLosses", partial(metrics.AuxLosses, list(LOGS)), None, LOGS),
    MetricRow("LossAndLogs", all_of_them, LABELS, SCORES),
]
