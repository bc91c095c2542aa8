"""Labels of classes, and the scores that predictions give to each class.

Pure functions for the formulas of this room; nothing is mutated. `where` is the name of the
function that an error names. The class axis is always the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import DataError, ShapeError
from treexlite._samples import check_labels, hide_absent
from treexlite.losses._pairs import in_single

SMALLEST = 1e-7
"""Probabilities below this count as this, as in Keras, so that no loss is infinite."""


@dataclass(frozen=True)
class Labels:
    """Labels that have been looked at.

    Attributes:
        index: the class of each example, 0 for those that have none; (batch, ...).
        has_class: where the label is a class.
        is_ignored: where the label is the one to ignore; None without such a label.
    """

    index: jax.Array
    has_class: jax.Array
    is_ignored: jax.Array | None

    def of(self, scores: jax.Array) -> jax.Array:
        """Return the score of the true class: (batch, ..., classes) -> (batch, ...)."""
        return jnp.take_along_axis(scores, self.index[..., None], axis=-1)[..., 0]

    def settle(self, values: jax.Array) -> jax.Array:
        """Put 0 where a label is ignored, and NaN where another one has no class."""
        values = jnp.where(self.has_class, values, jnp.nan)
        return values if self.is_ignored is None else jnp.where(self.is_ignored, 0, values)


def holds_labels(target: jax.Array, preds: jax.Array) -> bool:
    """Whether targets are labels, by their shape; otherwise there is one number per class."""
    if target.ndim == preds.ndim:  # a column of labels has its class axis squeezed away
        return preds.ndim > 0 and target.shape[-1] == 1
    return target.ndim == preds.ndim - 1


def read_labels(
    where: str, target: jax.Array, preds: jax.Array, ignore_index: int | None = None
) -> tuple[Labels, jax.Array]:
    """Return labels and scores, in float32 at least, with zeros for what is ignored.

    Shapes:
        target: (batch, ...) or (batch, ..., 1).
        preds: (batch, ..., classes).

    Raises:
        ShapeError: the leading axes differ, or there are fewer than two classes.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.
    """
    check_classes(where, preds)
    labels = raw_labels(where, target, preds)
    classes = preds.shape[-1]
    seen: Any = labels
    if ignore_index is not None and not isinstance(labels, jax.core.Tracer):
        seen = np.asarray(labels)
        seen = seen[seen != ignore_index]
    check_labels(where, seen, classes)
    labels = labels.astype(jnp.int32)  # a small dtype may not hold the number of classes
    has_class = (labels >= 0) & (labels < classes)
    scores = in_single(preds)
    is_ignored = None
    if ignore_index is not None:
        is_ignored = labels == ignore_index
        scores = hide_absent(scores, ~is_ignored)
    return Labels(jnp.where(has_class, labels, 0), has_class, is_ignored), scores


def raw_labels(where: str, target: jax.Array, preds: jax.Array) -> jax.Array:
    """Return the labels as (batch, ...), in their own dtype, whatever they hold.

    Raises:
        ShapeError: the leading axes differ, or there is one number per class.
        DataError: labels are not integers.
    """
    if target.ndim and target.shape == preds.shape:
        raise ShapeError(
            where,
            expected=f"labels, of shape {preds.shape[:-1]}",
            received=f"one number per class: target.shape={target.shape}",
            fix="Number the classes: `target.argmax(axis=-1)`, if one of them is 1.",
        )
    labels = target[..., 0] if holds_labels(target, preds) and target.ndim == preds.ndim else target
    if labels.shape != preds.shape[:-1]:
        raise unfit(where, target, preds)
    if not (labels.dtype == bool or jnp.issubdtype(labels.dtype, jnp.integer)):
        raise DataError(
            where,
            expected="labels of an integer dtype, or probabilities in the shape of `preds`",
            received=f"target.shape={target.shape}, target.dtype={target.dtype}",
            fix="Convert the labels with `target.astype(int)`.",
        )
    return labels


def read_probabilities(
    where: str, target: jax.Array, preds: jax.Array, ignore_index: int | None = None
) -> tuple[jax.Array, jax.Array]:
    """Return the probabilities of the classes and their scores, in float32 at least.

    Raises:
        ShapeError: the shapes differ, or there are fewer than two classes.
        DataError: a label should be ignored, and there are none.
    """
    check_classes(where, preds)
    if target.shape != preds.shape:
        raise unfit(where, target, preds)
    if ignore_index is not None:
        raise DataError(
            where,
            expected=f"labels, since `ignore_index={ignore_index}` names one of them",
            received=f"probabilities: target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Give labels, or leave `ignore_index` out and pass a `mask`.",
        )
    scores = in_single(preds)
    return target.astype(scores.dtype), scores


def check_classes(where: str, preds: jax.Array) -> None:
    """Refuse predictions without a class axis.

    Raises:
        ShapeError: there are fewer than two classes.
    """
    if preds.ndim == 0 or preds.shape[-1] < 2:
        raise ShapeError(
            where,
            expected="one score per class on the last axis of `preds`, for at least 2 classes",
            received=f"preds.shape={preds.shape}",
            fix="Give the model one output per class; a yes-or-no question has two.",
        )


def unfit(where: str, target: jax.Array, preds: jax.Array) -> ShapeError:
    """Build the error for targets that do not fit the predictions."""
    return ShapeError(
        where,
        expected=(
            f"`target` of shape {preds.shape[:-1]} (labels) or {preds.shape} (probabilities)"
        ),
        received=f"target.shape={target.shape}, preds.shape={preds.shape}",
        fix="Make the leading axes equal; the last axis of `preds` holds the classes.",
    )


def log_of(probabilities: jax.Array) -> jax.Array:
    """Take the log, bounded below; what is negative is no probability, and stays NaN."""
    is_small = (probabilities >= 0) & (probabilities < SMALLEST)
    return jnp.log(jnp.where(is_small, SMALLEST, probabilities))


def product(p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Multiply, with 0 · log 0 = 0: a class that is ruled out on both sides costs nothing."""
    return p * jnp.where((p == 0) & (log_q == -jnp.inf), 0, log_q)
