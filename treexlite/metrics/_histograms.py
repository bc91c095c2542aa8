"""`ScoreHistogram`: how many yeses and noes there are for each range of probabilities.

What flows in: labels and probabilities. What flows out: a value of the histogram. What may mutate:
the two histograms, in `update`, `absorb` and `reset`.

The curves of a classifier over its thresholds need all scores at once; over a fixed set of
thresholds, a histogram is enough, however many examples there are.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._samples import On, align_weights
from treexlite.metrics import _sums
from treexlite.metrics._arguments import both, whole
from treexlite.metrics._metric import Metric
from treexlite.metrics._probabilities import probabilities, yes_or_no
from treexlite.metrics._running_sums import running_sums


class ScoreHistogram(Metric):
    """Base of the metrics over fixed thresholds.

    The thresholds are i / (num_thresholds - 1), evenly from 0 to 1. A probability p is in bin i
    when it is above threshold i and not above the next; 0 is in the first bin. So an example is
    predicted to be a yes at the thresholds below p, and at 0.

    Args:
        num_thresholds: how many, at least 2.
        from_logits: whether `preds` are logits, of which the sigmoid is taken.
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        positives: the weight of the examples of label 1 in each bin, (2, num_thresholds), pairs as
            `_sums` keeps them.
        negatives: that of label 0, likewise.
    """

    positives: jax.Array = MetricState.node()
    negatives: jax.Array = MetricState.node()
    num_thresholds: int
    from_logits: bool

    def __init__(
        self,
        num_thresholds: int = 200,
        *,
        from_logits: bool = False,
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.num_thresholds = whole(type(self).__name__, "num_thresholds", num_thresholds, 2)
        self.from_logits = from_logits
        super().__init__(on=on, name=name)

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.positives = jnp.zeros((2, self.num_thresholds), jnp.float32)
        self.negatives = jnp.zeros((2, self.num_thresholds), jnp.float32)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Count the examples of a batch."""
        where = type(self).__name__
        labels, scores = yes_or_no(where, *both(where, target, preds))
        chances = jax.nn.sigmoid(scores) if self.from_logits else probabilities(where, scores)
        labels = jnp.where(jnp.isnan(chances), jnp.nan, labels)
        weights = align_weights(
            where, 1 if sample_weight is None else sample_weight, scores.shape, jnp.float32
        )
        number = self.num_thresholds
        self.positives = _sums.add(self.positives, _histogram(chances, labels * weights, number))
        self.negatives = _sums.add(
            self.negatives, _histogram(chances, (1 - labels) * weights, number)
        )

    def absorb(self, other: Self) -> None:
        """Add what `other` has counted."""
        self.positives = _sums.add(self.positives, other.positives)
        self.negatives = _sums.add(self.negatives, other.negatives)


@jax.jit
def predicted(histogram: jax.Array) -> jax.Array:
    """Return how many of a histogram (2, thresholds) are predicted a yes at each threshold."""
    return _sums.value(running_sums(histogram[:, ::-1])[:, ::-1])


@partial(jax.jit, static_argnames="number")
def _histogram(chances: jax.Array, weights: jax.Array, number: int) -> jax.Array:
    bins = jnp.ceil(jnp.nan_to_num(chances) * (number - 1)) - 1
    bins = jnp.maximum(bins, 0).astype(jnp.int32)
    counts = jax.ops.segment_sum(weights.ravel(), bins.ravel(), number)
    return jnp.stack([counts, jnp.zeros_like(counts)])
