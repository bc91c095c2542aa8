"""Metrics: sums that grow batch by batch, and the value computed from them.

Read `_metric` for the life of a metric, `_sums` for how the sums stay exact; each other file holds
one family.
"""

from treexlite.metrics._accuracy import Accuracy
from treexlite.metrics._mean import Mean
from treexlite.metrics._metric import Metric
from treexlite.metrics._registry import get, register

__all__ = ["Accuracy", "Mean", "Metric", "get", "register"]
