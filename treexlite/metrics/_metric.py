"""`Metric`: a value over all examples seen so far, whatever the batches they came in.

What flows in: batches of targets, predictions and perhaps weights. What flows out: the value over
the last batch (`metric(...)`) and over everything since `reset` (`compute`). What may mutate: the
fields of kind `MetricState`, in `update`, `reset` and the call, and nothing else.

A metric keeps sums, never values of batches: the mean of batch means over-weights a small last
batch. The sums of two metrics add up, so parts of the data may be measured anywhere and merged; the
value of a batch is that of a fresh metric which saw only this batch, and is then absorbed. All
state has a fixed shape and dtype from the beginning, so a metric needs no `init` and is never
compiled again.
"""

from __future__ import annotations

import abc
from typing import Any, Self

import jax
from jax import lax
from jax.typing import ArrayLike

from treexlite._core import Module
from treexlite._errors import ArgumentError, StructureError
from treexlite._names import snake_case
from treexlite._samples import On, hide_absent, select


class Metric(Module):
    """Base of all metrics.

    A new metric declares its sums with `MetricState.node()` and defines four methods: `reset` sets
    them to their empty state, `accumulate` adds a batch, `absorb` adds another metric's, `compute`
    turns them into the value. One that is a mean over examples derives from `Mean` and only defines
    `per_example`. Settings that `reset` needs are assigned before `super().__init__()`, which calls
    it.

    Args:
        on: which part of targets and predictions to measure, when they are dicts or tuples: a key,
            an index, or a path of them. None takes them as they are.
        name: the name in logs; the class name in snake case when None.

    State:
        Fields of kind `MetricState`: `update` and the call add to them, `reset` empties them.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Largest(tx.metrics.Metric):
        ...     largest: jnp.ndarray = tx.MetricState.node()
        ...
        ...     def reset(self):
        ...         self.largest = jnp.array(-jnp.inf)
        ...         return self
        ...
        ...     def accumulate(self, target, preds, sample_weight):
        ...         self.largest = jnp.maximum(self.largest, preds.max())
        ...
        ...     def absorb(self, other):
        ...         self.largest = jnp.maximum(self.largest, other.largest)
        ...
        ...     def compute(self):
        ...         return self.largest
        >>> metric = Largest()
        >>> [float(metric(values=jnp.array(batch))) for batch in ([1.0, 5.0], [3.0, 2.0])]
        [5.0, 3.0]
        >>> float(metric.compute())
        5.0

    Reference:
        Names follow Treex and Keras; `merge_with` is new. The value of no data is NaN, not Keras's
        0: where nothing was measured there is no value.
    """

    on: On
    name: str

    def __init__(self, *, on: On = None, name: str | None = None) -> None:
        self.on = tuple(on) if isinstance(on, list) else on
        self.name = snake_case(type(self).__name__) if name is None else name
        self.reset()

    def __call__(
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
    ) -> Any:
        """Add a batch, and return the value over this batch alone; arguments as in `update`."""
        batch = self.copy().reset().update(target, preds, sample_weight, values=values)
        value = batch.compute()
        self.absorb(batch)
        return value

    def update(  # type: ignore[override]  # the contract gives metrics this name, `Module` has it too
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
    ) -> Self:
        """Add a batch. A batch that is refused leaves the metric as it was.

        Args:
            target: what is true; an array, or a container of arrays from which `on` selects.
            preds: what the model says; likewise.
            sample_weight: how much each example counts, at least 0. An example of weight 0 counts
                as absent, whatever it holds.
            values: another name for `preds`, for metrics of plain values.

        Shapes:
            sample_weight: the first axes of what the metric measures, such as (batch,).

        Returns:
            The metric itself.

        Raises:
            ArgumentError: both `preds` and `values` are given, or what the metric needs is missing.
            StructureError: `target` or `preds` have no part at `on`.
            ShapeError: `sample_weight` does not have the first axes of what is measured.
        """
        target, preds = self._selected(target, preds, values)
        # Sums are not for training; and the derivative of a reduction by pairs is not defined.
        target, preds = jax.tree.map(lax.stop_gradient, (target, preds))
        if sample_weight is not None:
            target, preds = hide_absent((target, preds), sample_weight)
        self.accumulate(target, preds, sample_weight)
        return self

    def merge_with(self, *others: Self) -> Self:
        """Return a metric that has seen what this one and all `others` have; none of them changes.

        Raises:
            StructureError: an other is of another class, or has other settings (`on` and `name` may
                differ).
        """
        merged = self.copy()
        for other in others:
            self._check_alike(other)
            merged.absorb(other)
        return merged

    @abc.abstractmethod
    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""

    @abc.abstractmethod
    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add a batch; `on` has been selected and examples of weight 0 hold zeros."""

    @abc.abstractmethod
    def absorb(self, other: Self) -> None:
        """Add what `other`, a metric of the same settings, has seen; it stays as it is."""

    @abc.abstractmethod
    def compute(self) -> Any:
        """Return the value over all data since `reset`."""

    def _selected(self, target: Any, preds: Any, values: Any) -> tuple[Any, Any]:
        """Return the parts of targets and predictions that `on` leads to, None for what is not."""
        where = type(self).__name__
        if preds is not None and values is not None:
            raise ArgumentError(
                where,
                expected="either `preds` or `values`, which is another name for it",
                received="both",
                fix="Leave one of them out.",
            )
        preds = values if preds is None else preds
        target = None if target is None else select(where, "target", target, self.on)
        preds = None if preds is None else select(where, "preds", preds, self.on)
        return target, preds

    def _check_alike(self, other: Any) -> None:
        if type(other) is type(self) and _structure(other) == _structure(self):
            return
        raise StructureError(
            type(self).__name__,
            expected=f"metrics built like this one, {_on_one_line(self)}",
            received=_on_one_line(other),
            fix="Merge metrics of the same class and with the same options only.",
        )


def _structure(metric: Metric) -> Any:
    """Return what decides the meaning of the state: all but names and modes."""
    return jax.tree.structure(metric.replace(on=None, name="").train().unfreeze())


def _on_one_line(value: Any) -> str:
    return " ".join(repr(value).split())
