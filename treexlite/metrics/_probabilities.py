"""Labels and the probabilities that were given to them, checked and brought into one form.

What flows in: targets and predictions as users have them. What flows out: labels and float32
numbers of known shapes. Nothing is mutated.

What can be seen is checked: a label without a class, or a probability outside of [0, 1], is an
error. Traced arrays cannot be checked; there such an entry becomes NaN, and so does the value, so
that logits in place of probabilities cannot go unnoticed.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import DataError, RangeError, ShapeError
from treexlite._samples import check_labels

_SLACK = 1e-5
"""How far rounding may carry a probability out of [0, 1], in half precision as well."""


def yes_or_no(where: str, target: jax.Array, preds: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return labels, 0, 1 or NaN, and scores, both float32 and of one shape.

    Shapes:
        target, preds: any, equal; but a last axis of size 1 may be missing in one of them.

    Raises:
        ShapeError: the shapes are not equal.
        RangeError: a label is neither 0 nor 1.
    """
    rank = min(target.ndim, preds.ndim)
    labels, scores = _squeeze(target, rank), _squeeze(preds, rank)
    if labels.shape != scores.shape:
        raise ShapeError(
            where,
            expected="one label, 0 or 1, for each score",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Give `target` and `preds` the same shape; of two classes, score the second.",
        )
    is_label = (labels == 0) | (labels == 1)
    if not isinstance(is_label, jax.core.Tracer) and not np.all(is_label):
        raise RangeError(
            where,
            expected="labels that are 0 or 1",
            received=f"labels from {np.min(labels)} to {np.max(labels)}",
            fix="Make them yes or no, for example with `target > 0.5`.",
        )
    labels = jnp.where(is_label, labels.astype(jnp.float32), jnp.nan)
    return labels, scores.astype(jnp.float32)


def of_classes(
    where: str, target: jax.Array, preds: jax.Array, from_logits: bool
) -> tuple[jax.Array, jax.Array]:
    """Return labels and the logarithm or the value of the probability of each class.

    One score per example, (batch,) or (..., 1), is that of class 1 of two.

    Shapes:
        target: (batch, ...), or (batch, ..., classes) for one-hot labels.
        preds: (batch, ..., classes), or (batch,) or (batch, ..., 1).
        returns: (batch, ...), int32, and (batch, ..., classes).

    Returns:
        Labels, and probabilities; or logarithms of them when they come `from_logits`.

    Raises:
        ShapeError: the shapes do not fit together.
        DataError: labels are not integers.
        RangeError: a label has no class or is not one-hot, or a probability is outside of [0, 1].
    """
    if is_yes_or_no(preds):
        answers, scores = yes_or_no(where, target, preds)
        has_class = ~jnp.isnan(answers)
        labels = (answers == 1).astype(jnp.int32)
        if from_logits:
            no, yes = jax.nn.log_sigmoid(-scores), jax.nn.log_sigmoid(scores)
        else:
            yes = probabilities(where, scores)
            no = 1 - yes
        scores = jnp.stack([no, yes], axis=-1)  # (batch, ..., 2)
    else:
        labels = _labels(where, target, preds)
        has_class = (labels >= 0) & (labels < preds.shape[-1])
        scores = preds.astype(jnp.float32)
        scores = jax.nn.log_softmax(scores) if from_logits else probabilities(where, scores)
    return labels, jnp.where(has_class[..., None], scores, jnp.nan)


def is_yes_or_no(preds: jax.Array) -> bool:
    """Whether predictions are one score per example, not one per class."""
    return preds.ndim < 2 or preds.shape[-1] == 1


def at_label(labels: jax.Array, scores: jax.Array) -> jax.Array:
    """Return the score of the label; one without a class takes that of the nearest class."""
    index = jnp.clip(labels, 0, scores.shape[-1] - 1)[..., None]
    return jnp.take_along_axis(scores, index, axis=-1)[..., 0]


def probabilities(where: str, preds: jax.Array) -> jax.Array:
    """Return probabilities, clipped to [0, 1]; NaN where they are traced and outside of it.

    Raises:
        RangeError: one is outside of [0, 1] by more than rounding, or is NaN.
    """
    fits = (preds >= -_SLACK) & (preds <= 1 + _SLACK)
    if not isinstance(fits, jax.core.Tracer) and not np.all(fits):
        raise RangeError(
            where,
            expected="probabilities, from 0 to 1",
            received=f"preds from {np.min(preds)} to {np.max(preds)}",
            fix="Pass logits with `from_logits=True`, or take the sigmoid or softmax first.",
        )
    return jnp.where(fits, jnp.clip(preds, 0, 1), jnp.nan)


def _labels(where: str, target: jax.Array, preds: jax.Array) -> jax.Array:
    if target.shape == preds.shape:
        return _from_one_hot(where, target)
    labels = _squeeze(target, preds.ndim - 1)
    if labels.shape != preds.shape[:-1]:
        raise ShapeError(
            where,
            expected=f"labels of shape {preds.shape[:-1]}, or one-hot like `preds`",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Make the leading axes equal; the last axis of `preds` holds the classes.",
        )
    if not (labels.dtype == bool or jnp.issubdtype(labels.dtype, jnp.integer)):
        raise DataError(
            where,
            expected="labels of an integer dtype",
            received=f"target.dtype={labels.dtype}",
            fix="Convert the labels with `target.astype(int)`.",
        )
    check_labels(where, labels, preds.shape[-1])
    return labels.astype(jnp.int32)


def _from_one_hot(where: str, target: jax.Array) -> jax.Array:
    """Return the place of the 1; -1 where there is not one 1 among zeros.

    A row of zeros is no error by itself: so look examples that are absent.
    """
    is_one = target == 1
    is_one_hot = (jnp.sum(is_one, axis=-1) == 1) & jnp.all(is_one | (target == 0), axis=-1)
    fits = is_one_hot | jnp.all(target == 0, axis=-1)
    if not isinstance(fits, jax.core.Tracer) and not np.all(fits):
        raise RangeError(
            where,
            expected="one-hot labels, a single 1 among zeros, where `target` looks like `preds`",
            received=f"target.shape={target.shape}, with other rows",
            fix="Pass labels of shape (batch, ...); for yes or no, give `preds` a last axis of 1.",
        )
    return jnp.where(is_one_hot, jnp.argmax(is_one, axis=-1), -1).astype(jnp.int32)


def _squeeze(x: jax.Array, rank: int) -> jax.Array:
    """Drop a last axis of size 1 when there is one axis too many."""
    return x[..., 0] if x.ndim == rank + 1 and x.shape[-1] == 1 else x
