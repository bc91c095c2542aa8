"""Precision, recall and specificity: which part of the answers, or of the examples, was right."""

from __future__ import annotations

import jax

from treexlite.metrics._class_averages import ClassScore
from treexlite.metrics._class_counts import Outcomes


class Precision(ClassScore):
    """The share of positive predictions that are right: tp / (tp + fp).

    tp, fp, fn and tn are the true and false positives and the false and true negatives: the sums of
    the weights of the examples that are of a class, or not, and are predicted to be, or not. Each
    class has a score, and `average` makes one of them:

        average     value
        "binary"    the score of class 1
        "micro"     the score of the sums of tp, of fp, ... over all classes
        "macro"     the mean of the scores
        "weighted"  their mean, weighted by tp + fn: how often each class is true
        "none"      all scores, one per class

    Args:
        num_classes: how many classes there are, one of which is true of each example. None when
            each example is a yes or a no.
        num_labels: how many labels there are, any of which may be true of an example.
        average: as above; "auto" is "binary" for yes or no and "macro" otherwise. None is "none".
        threshold: above it, a single score says yes. 0.5 suits probabilities; take 0 for logits.
        zero_division: the score of a class whose denominator is 0: 0, 1 or NaN. NaN leaves it out
            of averages.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: any shape for yes or no; (batch, ...) labels, or (batch, ..., num_classes) scores
            of which the highest is true; (batch, ..., num_labels) of 0 and 1.
        preds: for yes or no, labels or scores of the shape of `target`; for classes, labels
            (batch, ...) or scores (batch, ..., num_classes); for labels, 0 and 1 or scores of the
            shape of `target`.
        sample_weight: the first axes of (batch, ...).
        returns: (), or (classes,) with average="none".

    State:
        counts: tp, fp and fn of each class, (2, 3, classes), as `_sums` keeps sums.
        total: the weight of all examples, (2,).

    Returns:
        Float32 numbers from 0 to 1; NaN when nothing was seen, whatever `zero_division` is. A
        prediction with a NaN in it is never right: it counts for the class after the true one, or
        for class 0 after the last. A traced label without a class makes the result NaN.

    Raises:
        ArgumentError: an option is none of those above; `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together or have other classes.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> precision = tx.metrics.Precision()
        >>> float(precision(jnp.array([0, 1, 1, 0]), jnp.array([0.2, 0.9, 0.3, 0.6])))
        0.5
        >>> each = tx.metrics.Precision(num_classes=3, average="none")
        >>> each(jnp.array([0, 1, 2, 1]), jnp.array([0, 1, 1, 0]))
        Array([0.5, 0.5, 0. ], dtype=float32)

    Reference:
        `sklearn.metrics.precision_score`, with all of its weights and degenerate cases; there,
        `zero_division` also decides the value of no data, and a warning is given. torchmetrics
        leaves a class that is neither true nor predicted out of "macro"; take NaN for that.
    """

    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return tp and tp + fp."""
        return outcomes.tp, outcomes.tp + outcomes.fp


class Recall(ClassScore):
    """The share of the examples of a class that are predicted to be: tp / (tp + fn).

    Also called sensitivity. Classes, averages, shapes, state and errors are those of `Precision`.

    Args:
        num_classes: as in `Precision`.
        num_labels: as in `Precision`.
        average: as in `Precision`.
        threshold: as in `Precision`.
        zero_division: as in `Precision`.
        on: as in `Metric`.
        name: as in `Metric`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, scores = jnp.array([0, 1, 1, 0]), jnp.array([-2.0, 1.5, -0.5, 0.5])
        >>> float(tx.metrics.Recall(threshold=0.0)(target, scores))
        0.5

    Reference:
        `sklearn.metrics.recall_score`; for differences see `Precision`.
    """

    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return tp and tp + fn."""
        return outcomes.tp, outcomes.tp + outcomes.fn


class Specificity(ClassScore):
    """The share of the examples not of a class that are predicted not to be: tn / (tn + fp).

    It is the recall of the negatives. Classes, averages, shapes, state and errors are those of
    `Precision`.

    Args:
        num_classes: as in `Precision`.
        num_labels: as in `Precision`.
        average: as in `Precision`.
        threshold: as in `Precision`.
        zero_division: as in `Precision`.
        on: as in `Metric`.
        name: as in `Metric`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([0, 1, 2, 1]), jnp.array([0, 1, 1, 1])
        >>> tx.metrics.Specificity(num_classes=3, average="none")(target, preds)
        Array([1. , 0.5, 1. ], dtype=float32)

    Reference:
        `torchmetrics.Specificity`. scikit-learn has it as the recall with `pos_label=0`.
    """

    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return tn and tn + fp."""
        return outcomes.tn, outcomes.tn + outcomes.fp
