"""The average precision: `AveragePrecision` over fixed thresholds, `ExactAveragePrecision`.

What flows in: yes-or-no labels and scores. What flows out: the mean, over the yeses, of the
precision at their score. What may mutate: the state that each class describes.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite.metrics import _sums
from treexlite.metrics._arguments import both
from treexlite.metrics._auc import cumulative, has_nan, sorted_weights
from treexlite.metrics._buffer import Buffered
from treexlite.metrics._histograms import ScoreHistogram, predicted
from treexlite.metrics._probabilities import yes_or_no


class AveragePrecision(ScoreHistogram):
    """The average precision over fixed thresholds; see `ExactAveragePrecision` for the exact one.

        sum over thresholds n, from the highest, of (recall_n - recall_(n-1)) · precision_n

    It summarizes the precision-recall curve without interpolating, which would be too optimistic.
    It is exact for scores that are rounded up to the next threshold.

    Args:
        num_thresholds: how many thresholds, evenly from 0 to 1, at least 2.
        from_logits: whether `preds` are logits, of which the sigmoid is taken. False, because a
            probability outside of [0, 1] can be noticed.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: any; 0 or 1, of any dtype.
        preds: the same; each is one example. A last axis of size 1 may be missing in one of them.
        sample_weight: the first axes of `preds`.

    State:
        positives: the weight of the examples of label 1 in each bin, (2, num_thresholds), pairs as
            `_sums` keeps them.
        negatives: that of label 0, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when there is no yes. Traced labels and probabilities
        outside their range make it NaN.

    Raises:
        ArgumentError: `num_thresholds` is below 2, or `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.
        RangeError: a label is neither 0 nor 1, or a probability is outside of [0, 1].

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> precision = tx.metrics.AveragePrecision(num_thresholds=101)
        >>> labels, chances = jnp.array([0, 0, 1, 1]), jnp.array([0.1, 0.4, 0.35, 0.8])
        >>> round(float(precision(labels, chances)), 4)
        0.8333

    Reference:
        torchmetrics has the same formula for `BinaryAveragePrecision(thresholds=...)`; there a
        score at a threshold is above it. Its value without a yes is NaN, scikit-learn's is 0.
    """

    def compute(self) -> jax.Array:
        """Return the average precision over all data since `reset`."""
        true, false = predicted(self.positives), predicted(self.negatives)
        positives = _sums.value(self.positives)
        value: jax.Array = jnp.sum(_parts(positives, true, true + false)) / true[0]
        return value


class ExactAveragePrecision(Buffered):
    """The exact average precision: the weighted mean of the precisions at the scores of all yeses.

        (sum over yeses i of w_i · (weight of the yeses with s >= s_i)
                                 / (weight of all with s >= s_i)) / (sum of w_i)

    Args:
        capacity: the largest number of examples that are kept, over all batches and merged metrics.
            When there are more, it is an error; in a compiled step the value becomes NaN.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: any; 0 or 1, of any dtype.
        preds: the same; any numbers, only their order counts. A last axis of size 1 may be missing
            in one of them.
        sample_weight: the first axes of `preds`.

    State:
        rows: label and score of each example, (capacity, 2).
        weights: their weights, (capacity,).
        filled: how many there are, int32.

    Returns:
        A float32 number from 0 to 1; NaN when there is no yes, when a score is NaN, and when a
        compiled step has seen more than `capacity` examples.

    Raises:
        ArgumentError: `capacity` is not a whole number above 0; `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.
        RangeError: a label is neither 0 nor 1.
        DataError: there are more examples than `capacity`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> precision = tx.metrics.ExactAveragePrecision(capacity=1000)
        >>> labels, scores = jnp.array([0, 0, 1, 1]), jnp.array([0.1, 0.4, 0.35, 0.8])
        >>> round(float(precision(labels, scores)), 4)
        0.8333

    Reference:
        `sklearn.metrics.average_precision_score`, of scores rounded to float32; there the value is
        0 when there is no yes.
    """

    def per_example(self, target: Any, preds: Any) -> tuple[jax.Array, jax.Array]:
        """Return labels and scores."""
        where = type(self).__name__
        return yes_or_no(where, *both(where, target, preds))

    def of_examples(self, rows: jax.Array, weights: jax.Array) -> jax.Array:
        """Return the average precision."""
        value: jax.Array = _exact(rows, weights)
        return value


@jax.jit
def _exact(rows: jax.Array, weights: jax.Array) -> jax.Array:
    _, upto, positives, negatives = sorted_weights(rows, weights)
    true, false = (_sums.value(cumulative(x))[upto] for x in (positives, negatives))
    value = _sums.value(_sums.of(_parts(positives, true, true + false)))
    value = value / _sums.value(_sums.of(positives))
    return jnp.where(has_nan(rows, weights), jnp.nan, value)


@jax.jit
def _parts(positives: jax.Array, true: jax.Array, predicted: jax.Array) -> jax.Array:
    """Return weight times precision; 0 where there is no yes."""
    none = positives == 0
    return jnp.where(none, 0, positives * true / jnp.where(none, 1, predicted))
