"""`Accuracy`: the share of predictions that are right."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, DataError, ShapeError
from treexlite._samples import On, check_labels
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
        if target is None or preds is None:
            raise ArgumentError(
                where,
                expected="both `target` and `preds`",
                received=f"target={_presence(target)}, preds={_presence(preds)}",
                fix="Call it with `target=..., preds=...`.",
            )
        target, preds = jnp.asarray(target), jnp.asarray(preds)
        if _is_discrete(preds):
            return _right_labels(where, target, preds)
        if _is_binary(target, preds):
            return _right_sides(where, target, preds, self.threshold)
        return _right_classes(where, target, preds)


def _right_labels(where: str, target: jax.Array, preds: jax.Array) -> jax.Array:
    """Compare labels with predicted labels."""
    rank = min(target.ndim, preds.ndim)
    labels, predicted = _squeeze(target, rank), _squeeze(preds, rank)
    _check_labels_fit(where, labels, predicted.shape, preds)
    return (labels == predicted).astype(jnp.float32)


def _right_sides(where: str, target: jax.Array, preds: jax.Array, threshold: float) -> jax.Array:
    """Compare yes-or-no targets with one score per example."""
    scores = _squeeze(preds, max(preds.ndim - 1, 1))  # (batch, ..., 1) -> (batch, ...)
    labels = _squeeze(target, scores.ndim)
    if not _is_discrete(labels):
        labels = (labels > 0.5).astype(jnp.int32)
    _check_labels_fit(where, labels, scores.shape, preds)
    check_labels(where, labels, 2)
    return _right(labels, scores > threshold, jnp.isnan(scores), 2)


def _right_classes(where: str, target: jax.Array, preds: jax.Array) -> jax.Array:
    """Compare labels, or the likeliest classes, with the classes of the highest scores."""
    classes = preds.shape[-1]
    if target.shape == preds.shape:
        labels = jnp.argmax(target, axis=-1)
    else:
        labels = _squeeze(target, preds.ndim - 1)
    _check_labels_fit(where, labels, preds.shape[:-1], preds)
    check_labels(where, labels, classes)
    return _right(labels, jnp.argmax(preds, axis=-1), jnp.isnan(jnp.max(preds, axis=-1)), classes)


def _right(labels: jax.Array, predicted: jax.Array, is_nan: jax.Array, classes: int) -> jax.Array:
    labels = labels.astype(jnp.int32)  # a small dtype may not hold the number of classes
    has_class = (labels >= 0) & (labels < classes)
    right = (labels == predicted) & ~is_nan
    return jnp.where(has_class, right.astype(jnp.float32), jnp.nan)


def _is_discrete(x: jax.Array) -> bool:
    """Whether `x` holds labels: integers or booleans."""
    return x.dtype == bool or jnp.issubdtype(x.dtype, jnp.integer)


def _is_binary(target: jax.Array, preds: jax.Array) -> bool:
    """Whether floating predictions are one score per example, not one per class."""
    if preds.ndim < 2:
        return preds.ndim == 0 or target.ndim > 0
    return preds.shape[-1] == 1


def _squeeze(x: jax.Array, rank: int) -> jax.Array:
    """Drop a last axis of size 1 when there is one axis too many."""
    return x[..., 0] if x.ndim == rank + 1 and x.shape[-1] == 1 else x


def _check_labels_fit(
    where: str, labels: jax.Array, shape: tuple[int, ...], preds: jax.Array
) -> None:
    if labels.shape != shape:
        raise ShapeError(
            where,
            expected=f"labels of shape {shape}, or one score per class like `preds`",
            received=f"target.shape={labels.shape}, preds.shape={preds.shape}",
            fix="Make the leading axes equal; the last axis of `preds` holds the classes.",
        )
    if not _is_discrete(labels):
        raise DataError(
            where,
            expected="labels of an integer dtype",
            received=f"target.dtype={labels.dtype}, preds.dtype={preds.dtype}",
            fix="Convert the labels with `target.astype(int)`.",
        )


def _presence(x: Any) -> str:
    return "None" if x is None else "given"
