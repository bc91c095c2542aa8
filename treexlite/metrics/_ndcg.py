"""`NDCG`: how much of the gain of the best ranking a ranking has.

What flows in, what flows out and how queries count is told in `_retrieval`.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._samples import On
from treexlite.metrics._arguments import one_of, whole
from treexlite.metrics._retrieval import EmptyTarget, Ranking, Retrieval

Gain = Literal["linear", "exponential"]


class NDCG(Retrieval):
    """The mean normalized discounted cumulative gain of queries.

        DCG = sum over ranks r up to k of gain(item at r) / log2(1 + r)
        NDCG = DCG / (DCG of the best order)

    Items of equal score have the mean over all their orders: each takes the mean discount of the
    ranks that they have together.

    Args:
        k: the last rank that counts; None counts all.
        gain: "linear" takes the relevance itself, "exponential" 2**relevance - 1, which rates
            highly relevant items more. Of relevances 0 and 1 both are the same.
        empty_target: what a query without relevant items is: "skip" takes it as absent, "zero"
            gives it the value 0.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ..., items), the relevance, at least 0; below 0 where there is no item.
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
        >>> ndcg = tx.metrics.NDCG()
        >>> relevance, scores = jnp.array([[10, 0, 0, 1, 5]]), jnp.array([[0.1, 0.2, 0.3, 4, 70]])
        >>> round(float(ndcg(relevance, scores)), 4)
        0.6957

    Reference:
        Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002); equal
        scores as in McSherry and Najork, "Computing information retrieval performance measures
        efficiently in the presence of tied scores" (2008). `sklearn.metrics.ndcg_score` is the
        same with linear gain and `empty_target="zero"`.
    """

    k: int | None
    gain: Gain

    def __init__(
        self,
        k: int | None = None,
        *,
        gain: Gain = "linear",
        empty_target: EmptyTarget = "skip",
        on: On = None,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        self.k = None if k is None else whole(where, "k", k)
        one_of(where, "gain", gain, ("linear", "exponential"))
        self.gain = gain
        super().__init__(empty_target=empty_target, on=on, name=name)

    def of_ranking(self, ranking: Ranking) -> jax.Array:
        """Return the normalized gain of each query."""
        relevance = ranking.relevance
        gains = jnp.exp2(relevance) - 1 if self.gain == "exponential" else relevance
        high, low = _discounts(gains.shape[-1], self.k)
        upto, above = ranking.upto, ranking.above
        discounts = (high[upto] - high[above]) + (low[upto] - low[above])
        actual = jnp.sum(gains * discounts / (upto - above), axis=-1)
        best_first = -jnp.sort(-gains, axis=-1)
        each = jnp.broadcast_to(jnp.diff(high) + jnp.diff(low), gains.shape)
        best = jnp.sum(best_first * each, axis=-1)
        return actual / jnp.where(best == 0, 1, best)


def _discounts(items: int, k: int | None) -> tuple[jax.Array, jax.Array]:
    """Return the sums of the first 0, 1, ... discounts, rounded, and what rounding left over.

    A discount late in a long ranking is small beside such a sum; both parts together have it right.
    """
    discounts = 1 / np.log2(np.arange(items) + 2.0)
    discounts[items if k is None else k :] = 0
    sums = np.concatenate([[0.0], np.cumsum(discounts)])
    high = sums.astype(np.float32)
    return jnp.asarray(high), jnp.asarray((sums - high).astype(np.float32))
