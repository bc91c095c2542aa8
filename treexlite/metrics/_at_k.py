"""Means over queries of what the first k items hold: `HitRate`, `PrecisionAtK`, `RecallAtK`.

What flows in, what flows out and what ranks are is told in `_retrieval`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.metrics._arguments import whole
from treexlite.metrics._retrieval import EmptyTarget, Ranking, Retrieval


class _TopK(Retrieval):
    """Base of the metrics of the first `k` items."""

    k: int

    def __init__(
        self,
        k: int,
        *,
        empty_target: EmptyTarget = "skip",
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.k = whole(type(self).__name__, "k", k)
        super().__init__(empty_target=empty_target, on=on, name=name)

    def _found(self, ranking: Ranking) -> jax.Array:
        """Return how many relevant items are among the first k."""
        return jnp.sum((ranking.relevance > 0) & (ranking.upto <= self.k), axis=-1)


class HitRate(_TopK):
    """The share of queries with a relevant item among the first k.

    The rank of an item is the number of items with its score or a higher one: items of equal score
    are among the first k together, or not at all.

    Args:
        k: how many items are looked at.
        empty_target: what a query without relevant items is: "skip" takes it as absent, "zero"
            gives it the value 0.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ..., items), above 0 for relevant items; below 0 where there is no item.
        preds: the same.
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted sum of the values of the queries, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when there was no query, or a score is NaN.

    Raises:
        ArgumentError: an option is not one of those above, or `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> metric = tx.metrics.HitRate(k=2)
        >>> scores = jnp.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
        >>> float(metric(jnp.array([[1, 0, 0], [0, 0, 1]]), scores))
        0.5

    Reference:
        torchmetrics has the same for scores that differ.
    """

    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return 1 where a relevant item is among the first k, else 0."""
        return (self._found(ranking) > 0).astype(jnp.float32)


class PrecisionAtK(_TopK):
    """The mean share of relevant items among the first k.

        of a query: (relevant items of rank <= k) / k

    With fewer than k items it is below 1, as the missing ones are not relevant.

    The rank of an item is the number of items with its score or a higher one: items of equal score
    are among the first k together, or not at all.

    Args:
        k: how many items are looked at.
        empty_target: what a query without relevant items is: "skip" takes it as absent, "zero"
            gives it the value 0.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ..., items), above 0 for relevant items; below 0 where there is no item.
        preds: the same.
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted sum of the values of the queries, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when there was no query, or a score is NaN.

    Raises:
        ArgumentError: an option is not one of those above, or `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> metric = tx.metrics.PrecisionAtK(k=2)
        >>> scores = jnp.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
        >>> float(metric(jnp.array([[1, 0, 0], [0, 0, 1]]), scores))
        0.25

    Reference:
        torchmetrics has the same for scores that differ and are above 0.
    """

    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return the share of relevant items among the first k."""
        return self._found(ranking) / self.k


class RecallAtK(_TopK):
    """The mean share of the relevant items that is among the first k.

        of a query: (relevant items of rank <= k) / (relevant items)

    The rank of an item is the number of items with its score or a higher one: items of equal score
    are among the first k together, or not at all.

    Args:
        k: how many items are looked at.
        empty_target: what a query without relevant items is: "skip" takes it as absent, "zero"
            gives it the value 0.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ..., items), above 0 for relevant items; below 0 where there is no item.
        preds: the same.
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted sum of the values of the queries, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when there was no query, or a score is NaN.

    Raises:
        ArgumentError: an option is not one of those above, or `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> metric = tx.metrics.RecallAtK(k=2)
        >>> scores = jnp.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
        >>> float(metric(jnp.array([[1, 0, 0], [0, 0, 1]]), scores))
        0.5

    Reference:
        torchmetrics has the same for scores that differ.
    """

    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return the share of the relevant items that is among the first k."""
        return self._found(ranking) / jnp.maximum(jnp.sum(ranking.relevance > 0, axis=-1), 1)
