"""Metrics by name, for places that take a string, such as `metrics=["accuracy"]` in a trainer."""

from __future__ import annotations

from treexlite._errors import unknown_name
from treexlite.metrics._accuracy import Accuracy
from treexlite.metrics._mean import Mean
from treexlite.metrics._metric import Metric

_METRICS: dict[str, type[Metric]] = {"acc": Accuracy, "accuracy": Accuracy, "mean": Mean}


def get(name: str) -> Metric:
    """Return a new metric with default options.

    Args:
        name: the snake-case name of a metric, or the name that Keras has for it.

    Raises:
        UnknownNameError: no metric has that name; close ones are listed.

    Example:
        >>> import treexlite as tx
        >>> tx.metrics.get("acc").name
        'accuracy'
    """
    if name not in _METRICS:
        raise unknown_name("metrics.get", "a metric", name, _METRICS)
    return _METRICS[name]()
