"""Means over queries: how well scores put the relevant items of each query first.

What flows in: for each query the relevance of its items, and their scores. What flows out: a mean
over the queries. What may mutate: the sums, in `update`, `absorb` and `reset`.

Here the rank of an item is the number of items with its score or a higher one. So items of equal
score share the worst of their ranks: a value does not depend on how items lie in memory, and a
model that scores all items alike does not look good by chance. `NDCG` takes the mean over all
orders of such items in its place.
"""

from __future__ import annotations

import abc
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError
from treexlite._samples import On, align_weights
from treexlite.metrics._arguments import both, one_of, whole
from treexlite.metrics._mean import Mean
from treexlite.metrics._ranks import by_score

EmptyTarget = Literal["skip", "zero"]


class Ranking(NamedTuple):
    """The items of each query, (..., items), from the highest score to the lowest.

    Items that are absent come last, with relevance 0.
    """

    relevance: jax.Array
    above: jax.Array
    upto: jax.Array


class Retrieval(Mean):
    """Base of the means over queries; a new one defines `of_ranking`.

    Args:
        empty_target: what a query without relevant items is: "skip" takes it as absent, because
            nothing could be found; "zero" gives it the value 0.
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        total: the weighted sum of the values of the queries, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.
    """

    empty_target: EmptyTarget

    def __init__(
        self, *, empty_target: EmptyTarget = "skip", on: On = None, name: str | None = None
    ) -> None:
        one_of(type(self).__name__, "empty_target", empty_target, ("skip", "zero"))
        self.empty_target = empty_target
        super().__init__(on=on, name=name)

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the values of a batch of queries."""
        where = type(self).__name__
        target, preds = both(where, target, preds)
        if self.empty_target == "skip":
            some = jnp.any(target > 0, axis=-1) if target.ndim else jnp.zeros((), bool)
            weights = align_weights(
                where, 1 if sample_weight is None else sample_weight, some.shape, jnp.float32
            )
            sample_weight = jnp.where(some, weights, 0)
        super().accumulate(target, preds, sample_weight)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the value of each query, (batch, ...); 0 where nothing is relevant."""
        target, preds = both(type(self).__name__, target, preds)
        if target.shape != preds.shape or target.ndim < 1:
            raise ShapeError(
                type(self).__name__,
                expected="one relevance for each score, both of shape (batch, ..., items)",
                received=f"target.shape={target.shape}, preds.shape={preds.shape}",
                fix="Pad the items of all queries to one number; a relevance below 0 is no item.",
            )
        ranking, is_empty, is_nan = _ranking(target, preds)
        value = jnp.where(is_empty, 0, self.of_ranking(ranking))
        return jnp.where(is_nan, jnp.nan, value)

    @abc.abstractmethod
    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return the value of each query, (...); of one without relevant items it is not used."""


@jax.jit
def _ranking(target: jax.Array, preds: jax.Array) -> tuple[Ranking, jax.Array, jax.Array]:
    """Rank the items of each query; tell whether none is relevant, and whether one is NaN."""
    relevance, scores = target.astype(jnp.float32), preds.astype(jnp.float32)
    present = ~(relevance < 0)
    relevance = jnp.where(present, relevance, 0)
    above, upto, (ordered,) = by_score(scores, present, relevance)
    is_nan = jnp.any(present & (jnp.isnan(scores) | jnp.isnan(relevance)), axis=-1)
    return Ranking(ordered, above, upto), ~jnp.any(relevance > 0, axis=-1), is_nan


class MeanReciprocalRank(Retrieval):
    """The mean of 1 / (rank of the first relevant item).

    Items of equal score share the worst of their ranks.

    Args:
        k: the last rank that counts; the value is 0 when the first relevant item comes later. None
            counts all.
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
        >>> mrr = tx.metrics.MeanReciprocalRank()
        >>> scores = jnp.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
        >>> float(mrr(jnp.array([[0, 1, 1], [1, 0, 0]]), scores))
        0.75

    Reference:
        Voorhees, "The TREC-8 Question Answering Track Report" (1999). torchmetrics ranks equal
        scores as they happen to be sorted, and counts a query without relevant items as 0.
    """

    k: int | None

    def __init__(
        self,
        k: int | None = None,
        *,
        empty_target: EmptyTarget = "skip",
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.k = None if k is None else whole(type(self).__name__, "k", k)
        super().__init__(empty_target=empty_target, on=on, name=name)

    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return the reciprocal rank of the first relevant item."""
        counts = ranking.relevance > 0
        if self.k is not None:
            counts &= ranking.upto <= self.k
        return jnp.max(jnp.where(counts, 1 / ranking.upto, 0), axis=-1, initial=0)


class MeanAveragePrecision(Retrieval):
    """The mean of the average precisions of queries: the mAP of rankings.

        of a query: (sum over relevant items of (relevant items up to its rank) / rank)
                    / (number of relevant items)

    Items of equal score share the worst of their ranks. (The mAP of object detection is built on
    this, but also has to match boxes.)

    Args:
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
        >>> precision = tx.metrics.MeanAveragePrecision()
        >>> scores = jnp.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
        >>> round(float(precision(jnp.array([[0, 1, 1], [1, 0, 0]]), scores)), 4)
        0.7917

    Reference:
        `sklearn.metrics.average_precision_score` of each query, and
        `label_ranking_average_precision_score` of all, which counts a query without relevant items
        as 1.
    """

    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return the average precision of each query."""
        relevant = (ranking.relevance > 0).astype(jnp.float32)
        found = jnp.take_along_axis(jnp.cumsum(relevant, axis=-1), ranking.upto - 1, axis=-1)
        number = jnp.maximum(jnp.sum(relevant, axis=-1), 1)
        return jnp.sum(relevant * found / ranking.upto, axis=-1) / number
