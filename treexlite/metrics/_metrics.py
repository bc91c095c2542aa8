"""`Metrics`: several metrics of the same data, as one.

What flows in: batches. What flows out: one value for each metric, by name. What may mutate: the
metrics, in `update`, `reset` and the call.
"""

from __future__ import annotations

from typing import Any, Self

from jax.typing import ArrayLike

from treexlite._core import Module
from treexlite._samples import On
from treexlite.metrics._metric import Metric
from treexlite.metrics._naming import flat, named


class Metrics(Metric):
    """Updates several metrics with the same batches, and computes `{name: value}`.

    Args:
        metrics: metrics, in lists and dicts nested as one likes. One in a dict is called by its
            key, one in a list by its name; a name that is taken gets a number: `accuracy`,
            `accuracy_1`.
        on: as in `Metric`; the metrics then select from what is selected here, each by its own
            `on`.
        name: as in `Metric`.

    State:
        metrics: `{name: metric}`, the objects that were passed.

    Returns:
        `{name: value}`. A metric whose value is a dict gives `name/key` for each of its values.

    Raises:
        ArgumentError: something is no metric, or is there twice; a metric refuses the batch. Then
            none of them has seen it.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> m = tx.metrics
        >>> metrics = m.Metrics([m.Accuracy(), m.Accuracy(threshold=0.8), {"hits": m.Sum()}])
        >>> labels, scores = jnp.array([1, 0, 1]), jnp.array([0.9, 0.2, 0.7])
        >>> {name: round(float(value), 2) for name, value in metrics(labels, scores).items()}
        {'accuracy': 1.0, 'accuracy_1': 0.67, 'hits': 1.8}

    Reference:
        The name and meaning are those of Treex, where it takes keyword arguments only.
        `torchmetrics.MetricCollection`, which takes no metric of a name twice.
    """

    metrics: dict[str, Metric]

    def __init__(self, metrics: Any, *, on: On = None, name: str | None = None) -> None:
        self.metrics = named(
            type(self).__name__, metrics, _is_metric, lambda metric: metric.name, "a metric"
        )
        super().__init__(on=on, name=name)

    def update(  # type: ignore[override]  # as in `Metric`
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
    ) -> Self:
        """Add a batch to every metric, or to none if one refuses it; as in `Metric`."""
        # Each metric hides what is absent itself, after its own selection.
        self.accumulate(*self._selected(target, preds, values), sample_weight)
        return self

    def reset(self) -> Self:
        """Forget all data, in place, and return the collection itself."""
        for metric in self.metrics.values():
            metric.reset()
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add a batch to every metric."""
        updated = self.copy()
        for metric in updated.metrics.values():
            metric.update(target, preds, sample_weight)
        Module.update(self, updated, inplace=True)

    def absorb(self, other: Self) -> None:
        """Add what the metrics of `other` have seen, name by name."""
        for name, metric in self.metrics.items():
            metric.absorb(other.metrics[name])

    def compute(self) -> dict[str, Any]:
        """Return `{name: value}` over all data since `reset`."""
        return flat({name: metric.compute() for name, metric in self.metrics.items()})


def _is_metric(value: Any) -> bool:
    return isinstance(value, Metric)
