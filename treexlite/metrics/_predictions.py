"""What targets and predictions say about each example: its true class and the predicted one.

In: the arrays that `update` was given. Out: two arrays of class numbers, and where they have a
meaning. Pure functions; nothing is mutated. `where` is the name of the class that an error names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, DataError, ShapeError
from treexlite._samples import check_labels


class Answers(NamedTuple):
    """The true and the predicted class of every example, both of the shape (batch, ...).

    Attributes:
        true: class numbers.
        predicted: class numbers; -1, which is never right, where a score is NaN.
        is_valid: False where a number has no class. This happens to traced labels alone, since
            others are refused; the value is then to be NaN.
    """

    true: jax.Array
    predicted: jax.Array
    is_valid: jax.Array

    def right(self) -> jax.Array:
        """Return 1 where the prediction is right, 0 where it is wrong, NaN where it is invalid."""
        right = (self.true == self.predicted).astype(jnp.float32)
        return jnp.where(self.is_valid, right, jnp.nan)


def guess(where: str, target: Any, preds: Any, threshold: float) -> Answers:
    """Read labels, one score per example or one per class, whichever dtypes and shapes suggest."""
    target, preds = both(where, target, preds)
    if _is_discrete(preds):
        return _labels(where, target, preds, None)
    if _is_binary(target, preds):
        return _sides(where, target, preds, threshold)
    return classes(where, target, preds)


def yes_or_no(where: str, target: Any, preds: Any, threshold: float) -> Answers:
    """Read one label or one score per example: class 1 is yes, class 0 is no."""
    target, preds = both(where, target, preds)
    if _is_discrete(preds):
        return _labels(where, target, preds, 2)
    if preds.ndim == target.ndim + 1 and preds.shape[-1] > 1:
        raise ShapeError(
            where,
            expected="one score per example, for yes or no",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix=f"For {preds.shape[-1]} classes, give `num_classes` or take a metric of classes.",
        )
    return _sides(where, target, preds, threshold)


def classes(where: str, target: Any, preds: Any) -> Answers:
    """Read one score per class; the target is a label, or one score per class as well."""
    target, preds = both(where, target, preds)
    if _is_binary(target, preds) or preds.shape[-1] < 2:
        raise ShapeError(
            where,
            expected="a score for each of two or more classes, on the last axis of `preds`",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Give scores of shape (batch, classes); for one score, take a metric of yes or no.",
        )
    number = preds.shape[-1]
    if target.shape == preds.shape:
        labels = jnp.argmax(target, axis=-1)
    else:
        labels = _squeeze(target, preds.ndim - 1)
    _check_labels_fit(where, labels, preds.shape[:-1], preds)
    check_labels(where, labels, number)
    is_nan = jnp.isnan(jnp.max(preds, axis=-1))
    return _answers(labels, jnp.argmax(preds, axis=-1), is_nan, number)


def among(where: str, target: Any, preds: Any, threshold: float, number: int) -> Answers:
    """Read labels, or one score for each of `number` classes; for two classes, one will do."""
    target, preds = both(where, target, preds)
    if _is_discrete(preds):
        return _labels(where, target, preds, number)
    is_binary = _is_binary(target, preds)
    if number == 2 and is_binary:
        return _sides(where, target, preds, threshold)
    if is_binary or preds.shape[-1] != number:
        raise ShapeError(
            where,
            expected=f"integer labels, or scores of {number} classes on the last axis of `preds`",
            received=f"preds.shape={preds.shape} with preds.dtype={preds.dtype}",
            fix="Make the last axis of `preds` and `num_classes` equal.",
        )
    return classes(where, target, preds)


def flags(where: str, target: Any, preds: Any, threshold: float, number: int | None) -> Answers:
    """Read one yes or no for each label of each example, (batch, ..., labels).

    Args:
        where: as above.
        target: 0 or 1.
        preds: 0 or 1, or scores.
        threshold: above it, a score says yes.
        number: how many labels there are; None for any number.
    """
    target, preds = both(where, target, preds)
    if target.shape != preds.shape or preds.ndim == 0 or number not in (None, preds.shape[-1]):
        raise ShapeError(
            where,
            expected=f"`target` and `preds` of one shape (batch, ..., {number or 'labels'})",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Give one yes or no for each label of each example, labels on the last axis.",
        )
    if _is_discrete(preds):
        return _labels(where, target, preds, 2)
    return _sides_of_labels(where, target, preds, threshold)


def both(where: str, target: Any, preds: Any) -> tuple[jax.Array, jax.Array]:
    """Return `target` and `preds` as arrays.

    Raises:
        ArgumentError: one of them is missing.
    """
    if target is None or preds is None:
        raise ArgumentError(
            where,
            expected="both `target` and `preds`",
            received=f"target={_presence(target)}, preds={_presence(preds)}",
            fix="Call it with `target=..., preds=...`.",
        )
    return jnp.asarray(target), jnp.asarray(preds)


def _labels(where: str, target: jax.Array, preds: jax.Array, number: int | None) -> Answers:
    """Read labels and predicted labels; unless `number` is given, any integer is a class."""
    rank = min(target.ndim, preds.ndim)
    labels, predicted = _squeeze(target, rank), _squeeze(preds, rank)
    _check_labels_fit(where, labels, predicted.shape, preds)
    if number is None:
        return Answers(labels, predicted, jnp.ones(labels.shape, bool))
    check_labels(where, labels, number)
    check_labels(where, predicted, number)
    labels, predicted = labels.astype(jnp.int32), predicted.astype(jnp.int32)
    return Answers(labels, predicted, _has_class(labels, number) & _has_class(predicted, number))


def _sides(where: str, target: jax.Array, preds: jax.Array, threshold: float) -> Answers:
    """Read yes-or-no targets and one score per example."""
    scores = _squeeze(preds, max(preds.ndim - 1, 1))  # (batch, ..., 1) -> (batch, ...)
    labels = _squeeze(target, scores.ndim)
    _check_labels_fit(where, _as_labels(labels), scores.shape, preds)
    return _sides_of_labels(where, labels, scores, threshold)


def _sides_of_labels(where: str, target: jax.Array, scores: jax.Array, threshold: float) -> Answers:
    """Read yes-or-no targets and scores of the same shape."""
    labels = _as_labels(target)
    check_labels(where, labels, 2)
    scores = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))  # as exact as `threshold`
    return _answers(labels, scores > threshold, jnp.isnan(scores), 2)


def _answers(labels: jax.Array, predicted: jax.Array, is_nan: jax.Array, number: int) -> Answers:
    labels = labels.astype(jnp.int32)  # a small dtype may not hold the number of classes
    predicted = jnp.where(is_nan, -1, predicted.astype(jnp.int32))
    return Answers(labels, predicted, _has_class(labels, number))


def _has_class(labels: jax.Array, number: int) -> jax.Array:
    return (labels >= 0) & (labels < number)


def _as_labels(target: jax.Array) -> jax.Array:
    """Turn yes-or-no targets into labels: a probability above one half is a yes."""
    return target if _is_discrete(target) else (target > 0.5).astype(jnp.int32)


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
