"""`Fractions`: running means by name, whose value over one batch can be differentiated.

What flows in: for each name a total and what it is divided by. What flows out: their ratios, over
one batch or over all. What may mutate: the sums. `Losses` and the logs of models are such means.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite.metrics import _sums
from treexlite.metrics._metric import Metric


class Fractions(Metric):
    """Base of metrics that are sum(totals) / sum(counts) for each of their names.

    A new one sets `names` before `super().__init__()`, and says in `fractions` what a batch adds.
    The value of a batch is computed from the same numbers that are added: the call does the work
    once, and its value has a gradient, while the sums have none.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        totals: the totals, (2, names), as `_sums` keeps them.
        counts: what they are divided by, likewise.
    """

    totals: jax.Array = MetricState.node()
    counts: jax.Array = MetricState.node()
    names: tuple[str, ...]

    def __call__(
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
    ) -> dict[str, jax.Array]:
        """Add a batch, and return `{name: value}` over this batch alone, to be differentiated.

        Arguments as in `update`. Where nothing of the batch counts, the value is 0, which it adds
        to an objective.
        """
        target, preds = self._selected(target, preds, values)
        numbers = self.fractions(target, preds, sample_weight)
        self._add(lax.stop_gradient(numbers))
        return {
            name: self._ratio(name, total, jnp.where(jnp.equal(count, 0), 1, count))
            for name, (total, count) in zip(self.names, numbers, strict=True)
        }

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.totals = jnp.zeros((2, len(self.names)), jnp.float32)
        self.counts = jnp.zeros((2, len(self.names)), jnp.float32)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add a batch."""
        self._add(self.fractions(target, preds, sample_weight))

    def absorb(self, other: Self) -> None:
        """Add what `other` has seen."""
        self.totals = _sums.add(self.totals, other.totals)
        self.counts = _sums.add(self.counts, other.counts)

    def compute(self) -> dict[str, jax.Array]:
        """Return `{name: value}` over all data since `reset`; NaN where there was none."""
        totals, counts = _sums.value(self.totals), _sums.value(self.counts)
        counts = jnp.where(counts == 0, jnp.nan, counts)
        return {
            name: self._ratio(name, total, count)
            for name, total, count in zip(self.names, totals, counts, strict=True)
        }

    @abc.abstractmethod
    def fractions(
        self, target: Any, preds: Any, sample_weight: ArrayLike | None
    ) -> Sequence[tuple[ArrayLike, ArrayLike]]:
        """Return for each name what a batch adds to its total and to its count."""

    def _ratio(self, name: str, total: ArrayLike, count: jax.Array) -> jax.Array:
        return jnp.asarray(total) / count

    def _add(self, numbers: Sequence[tuple[ArrayLike, ArrayLike]]) -> None:
        table = jnp.array(numbers, jnp.float32).reshape(-1, 2)  # also without names
        empty = jnp.zeros_like(table)
        pairs = jnp.stack([table, empty])  # (pair, names, 2)
        self.totals = _sums.add(self.totals, pairs[..., 0])
        self.counts = _sums.add(self.counts, pairs[..., 1])


def num_examples(*trees: Any) -> int:
    """Return the size of the first axis of the first array that has one; 1 when there is none."""
    sizes = (jnp.shape(leaf)[0] for leaf in jax.tree.leaves(trees) if jnp.ndim(leaf))
    return next(sizes, 1)
