"""Accuracies: the share of examples whose predicted class is the true one."""

from __future__ import annotations

from typing import Any

import jax

from treexlite._samples import On
from treexlite.metrics import _predictions
from treexlite.metrics._mean import Mean


class Accuracy(Mean):
    """The share of examples whose predicted class is the true one: mean of [predicted = true].

    What predictions mean follows from their dtype and shape:

        preds                             target                    predicted       true
        float (batch, ..., classes)       int (batch, ...)          argmax(preds)   target
        float (batch, ..., classes)       (batch, ..., classes)     argmax(preds)   argmax(target)
        float (batch,) or (..., 1)        the same, or without 1    preds > t       target > 0.5
        int or bool, any shape            int of the same shape     preds           target

    Args:
        threshold: t, for one score per example: above it, the prediction is class 1. 0.5 suits
            probabilities; take 0 for logits.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: as above; a column (batch, 1) of labels counts as (batch,).
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted number of right predictions, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A prediction with a NaN in it is
        never right. Labels that are traced cannot be checked: one without a class makes the result
        NaN.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> accuracy = tx.metrics.Accuracy()
        >>> scores = jnp.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]])
        >>> labels = jnp.array([0, 1, 1, 0])
        >>> float(accuracy(labels, scores))
        0.75
        >>> float(accuracy(labels, scores, sample_weight=jnp.array([1, 1, 0, 2])))
        1.0
        >>> float(accuracy.compute())
        0.875

    Reference:
        Keras chooses between its accuracies in the same way; there, a label out of range is wrong
        in silence.
    """

    threshold: float

    def __init__(self, *, threshold: float = 0.5, on: On = None, name: str | None = None) -> None:
        self.threshold = threshold
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return 1 where the prediction is right and 0 where it is wrong, (batch, ...)."""
        where = type(self).__name__
        return _predictions.guess(where, target, preds, self.threshold).right()


class BinaryAccuracy(Mean):
    """The share of yes-or-no answers that are right: mean of [[preds > t] = target].

    Every number is an answer of its own, on whichever axis it lies. `Accuracy` does the same for
    one score per example, and would take a last axis of several for scores of classes.

    Args:
        threshold: t; a score above it says yes. 0.5 suits probabilities; take 0 for logits.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: any, the same; a last axis of size 1 may be missing in one of them.
        sample_weight: the first axes of `target`.

    State:
        total, count: as in `Accuracy`.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A score that is NaN is never right.
        A traced label that is neither 0 nor 1 makes the result NaN.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together.
        DataError: predictions are labels, and targets are not.
        RangeError: a label is neither 0 nor 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> accuracy = tx.metrics.BinaryAccuracy()
        >>> target = jnp.array([[0, 1], [1, 1]])
        >>> float(accuracy(target, jnp.array([[0.2, 0.9], [0.4, 0.8]])))
        0.75

    Reference:
        `keras.metrics.BinaryAccuracy`. Keras compares targets that are no integers with the
        outcome of [preds > t], so that 0.9 is never right; here a target above one half is a yes.
    """

    threshold: float

    def __init__(self, *, threshold: float = 0.5, on: On = None, name: str | None = None) -> None:
        self.threshold = threshold
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return 1 where the answer is right and 0 where it is wrong, (batch, ...)."""
        where = type(self).__name__
        return _predictions.yes_or_no(where, target, preds, self.threshold).right()


class CategoricalAccuracy(Mean):
    """The share of examples whose highest score is that of the true class.

    Predictions hold one score per class, of any dtype; targets are labels, or hold one number per
    class as well, of which the highest is the true class. Among equal scores the first wins.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ...) or (batch, ..., 1) for labels, else (batch, ..., classes).
        preds: (batch, ..., classes).
        sample_weight: the first axes of (batch, ...).

    State:
        total, count: as in `Accuracy`.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A prediction with a NaN in it is
        never right. A traced label without a class makes the result NaN.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: there are fewer than 2 classes; `target` and `preds` do not fit together.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> accuracy = tx.metrics.CategoricalAccuracy()
        >>> scores = jnp.array([[3, 1], [2, 5]])
        >>> float(accuracy(jnp.array([0, 0]), scores)), float(accuracy(jnp.eye(2), scores))
        (0.5, 1.0)

    Reference:
        `keras.metrics.CategoricalAccuracy` and `SparseCategoricalAccuracy`, which differ in what
        targets are; here the shape tells. There, a single score per example is one class, which is
        always right.
    """

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return 1 where the prediction is right and 0 where it is wrong, (batch, ...)."""
        return _predictions.classes(type(self).__name__, target, preds).right()


class ZeroOneLoss(Accuracy):
    """The share of examples whose predicted class is not the true one: 1 - `Accuracy`.

    Args:
        threshold: as in `Accuracy`.
        on: as in `Metric`.
        name: as in `Metric`.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A prediction with a NaN in it is
        wrong.

    Raises:
        TreexliteError: as `Accuracy`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.metrics.ZeroOneLoss()(jnp.array([0, 1, 2, 1]), jnp.array([0, 1, 1, 1])))
        0.25

    Reference:
        `sklearn.metrics.zero_one_loss`.
    """

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return 1 where the prediction is wrong and 0 where it is right, (batch, ...)."""
        return 1 - super().per_example(target, preds)
