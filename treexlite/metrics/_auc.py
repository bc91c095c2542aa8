"""The area under the ROC or precision-recall curve: `AUC` over fixed thresholds, `ExactAUC`.

What flows in: yes-or-no labels and scores. What flows out: the area. What may mutate: the state
that each class describes. `AUC` is for streams of any length, its error is that of the bins;
`ExactAUC` keeps its examples, up to a number that is chosen beforehand.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.metrics import _sums
from treexlite.metrics._arguments import both, one_of
from treexlite.metrics._buffer import Buffered
from treexlite.metrics._histograms import ScoreHistogram, predicted
from treexlite.metrics._probabilities import yes_or_no
from treexlite.metrics._ranks import by_score
from treexlite.metrics._running_sums import running_sums

Curve = Literal["ROC", "PR"]
Summation = Literal["interpolation", "minoring", "majoring"]


class AUC(ScoreHistogram):
    """The area under a curve, over fixed thresholds; for exact areas see `ExactAUC`.

    At each threshold there is a true-positive rate (recall), a false-positive rate and a precision.
    "ROC" is the area under the true-positive rate over the false-positive rate: how likely a yes
    scores higher than a no. "PR" is that under the precision over the recall. Scores in one of the
    `num_thresholds - 1` bins are not told apart, which is the error of the value; it vanishes where
    the scores are multiples of the width of a bin.

    Args:
        num_thresholds: how many thresholds, evenly from 0 to 1, at least 2. 200 is Keras's default.
        curve: "ROC" or "PR".
        summation_method: the height between two thresholds: "interpolation" takes the mean of both
            ends for ROC, and for PR lets true and false positives (not the precision) grow evenly;
            "minoring" takes the smaller end, "majoring" the larger.
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
        A float32 number from 0 to 1; NaN when nothing was seen, when there is no yes, and for ROC
        when there is no no. Traced labels and probabilities outside their range make it NaN.

    Raises:
        ArgumentError: an option is not one of those above, or `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.
        RangeError: a label is neither 0 nor 1, or a probability is outside of [0, 1].

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> auc = tx.metrics.AUC()
        >>> labels, chances = jnp.array([0, 0, 1, 1]), jnp.array([0.1, 0.4, 0.35, 0.8])
        >>> round(float(auc(labels, chances)), 4)
        0.75
        >>> auc = tx.metrics.AUC(curve="PR")
        >>> round(float(auc(labels, chances)), 4)
        0.7973

    Reference:
        Keras has the same thresholds and the same formulas; "interpolation" of PR is that of Davis
        and Goadrich, "The Relationship Between Precision-Recall and ROC Curves" (2006). Keras's
        value is 0 when there is no yes or no data, and it clips what is outside of [0, 1].
    """

    curve: Curve
    summation_method: Summation

    def __init__(
        self,
        num_thresholds: int = 200,
        *,
        curve: Curve = "ROC",
        summation_method: Summation = "interpolation",
        from_logits: bool = False,
        on: On = None,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        methods = ("interpolation", "minoring", "majoring")
        one_of(where, "curve", curve, ("ROC", "PR"))
        one_of(where, "summation_method", summation_method, methods)
        self.curve = curve
        self.summation_method = summation_method
        super().__init__(num_thresholds, from_logits=from_logits, on=on, name=name)

    def compute(self) -> jax.Array:
        """Return the area over all data since `reset`."""
        true, false = predicted(self.positives), predicted(self.negatives)
        area: jax.Array = _area(true, false, self.curve, self.summation_method)
        return area


class ExactAUC(Buffered):
    """The exact area under the ROC curve: how likely a yes scores higher than a no, ties as half.

        (sum over yeses i and noes j of w_i · w_j · ([s_i > s_j] + [s_i = s_j] / 2))
        / (sum of w_i) / (sum of w_j)

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
        A float32 number from 0 to 1; NaN when there is no yes or no no, when a score is NaN, and
        when a compiled step has seen more than `capacity` examples.

    Raises:
        ArgumentError: `capacity` is not a whole number above 0; `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have one shape.
        RangeError: a label is neither 0 nor 1.
        DataError: there are more examples than `capacity`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> auc = tx.metrics.ExactAUC(capacity=1000)
        >>> float(auc(jnp.array([0, 0, 1, 1]), jnp.array([-2.0, 0.5, 0.5, 8.0])))
        0.875

    Reference:
        `sklearn.metrics.roc_auc_score`, of scores rounded to float32. For the area under the
        precision-recall curve see `ExactAveragePrecision`.
    """

    def per_example(self, target: Any, preds: Any) -> tuple[jax.Array, jax.Array]:
        """Return labels and scores."""
        where = type(self).__name__
        return yes_or_no(where, *both(where, target, preds))

    def of_examples(self, rows: jax.Array, weights: jax.Array) -> jax.Array:
        """Return the area."""
        area: jax.Array = _exact_area(rows, weights)
        return area


def sorted_weights(
    rows: jax.Array, weights: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Sort rows of label and score by score.

    Returns:
        `above` and `upto` as in `by_score`, and the weights of yeses and noes, (examples,).
    """
    labels, scores = rows[:, 0], rows[:, 1]
    above, upto, (positives, negatives) = by_score(
        scores, weights != 0, labels * weights, (1 - labels) * weights
    )
    return above, upto, positives, negatives


def cumulative(values: jax.Array) -> jax.Array:
    """Return the sums of the first 0, 1, ... values, pairs (2, values + 1)."""
    pairs = jnp.stack([values, jnp.zeros_like(values)])
    return jnp.pad(running_sums(pairs), ((0, 0), (1, 0)))


def has_nan(rows: jax.Array, weights: jax.Array) -> jax.Array:
    """Whether an example has no label or no score."""
    return jnp.any(jnp.isnan(rows) & (weights != 0)[:, None])


@jax.jit
def _exact_area(rows: jax.Array, weights: jax.Array) -> jax.Array:
    """Count the yeses above each no: nothing is subtracted, so small areas are right as well."""
    above, upto, positives, negatives = sorted_weights(rows, weights)
    true = _sums.value(cumulative(positives))
    higher = (true[above] + true[upto]) / 2 / true[-1]
    area = _sums.value(_sums.of(negatives * higher)) / _sums.value(_sums.of(negatives))
    return jnp.where(has_nan(rows, weights), jnp.nan, area)


@partial(jax.jit, static_argnames=("curve", "method"))
def _area(true: jax.Array, false: jax.Array, curve: Curve, method: Summation) -> jax.Array:
    """Integrate over the thresholds, where recall and false-positive rate fall."""
    recall = true / true[0]  # NaN without a yes
    if curve == "PR" and method == "interpolation":
        return _interpolated_precision(true, false)
    if curve == "PR":
        total = true + false
        x, y = recall, jnp.where(total == 0, 0, true / jnp.where(total == 0, 1, total))
    else:
        x, y = false / false[0], recall
    if method == "interpolation":
        height = (y[:-1] + y[1:]) / 2
    elif method == "minoring":
        height = jnp.minimum(y[:-1], y[1:])
    else:
        height = jnp.maximum(y[:-1], y[1:])
    return jnp.sum((x[:-1] - x[1:]) * height)


def _interpolated_precision(true: jax.Array, false: jax.Array) -> jax.Array:
    """Integrate the precision while true and false positives grow evenly between thresholds."""
    total = true + false
    d_true, d_total = true[:-1] - true[1:], total[:-1] - total[1:]
    slope = jnp.where(d_total == 0, 0, d_true / jnp.where(d_total == 0, 1, d_total))
    intercept = true[1:] - slope * total[1:]
    grows = (total[:-1] > 0) & (total[1:] > 0)
    ratio = jnp.where(grows, total[:-1] / jnp.where(grows, total[1:], 1), 1)
    return jnp.sum(slope * (d_true + intercept * jnp.log(ratio))) / true[0]
