"""How much two segmentations overlap: the soft counts that Dice, Tversky and Jaccard share.

What flows in: which class each pixel has, and what the model says about it. What flows out: one
value per example, or one per example and class, at least in float32. Pixels stand for the elements
of all axes between the first (examples) and the last (classes).

An index of overlap is (TP + s) / (TP + a · FP + b · FN + s), where TP, FP and FN are sums over the
pixels of p · t, p · (1 - t) and (1 - p) · t. The loss is 1 minus the index.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import DataError, ShapeError, unknown_name
from treexlite._samples import On, check_labels
from treexlite.losses._arguments import floating, number, share
from treexlite.losses._loss import Loss, Reduction

Average: TypeAlias = Literal["macro", "micro", "none"]
AVERAGES = ("macro", "micro", "none")


class OverlapLoss(Loss):
    """Base of the losses of overlap, with the options that they share.

    Args:
        average: how the classes of an example become one value. "macro" is the mean over classes of
            the loss of each, in which small classes count as much as large ones; "micro" is the
            loss of the counts summed over classes; "none" keeps one value per class.
        smooth: added to numerator and denominator. With 1, a class that is not in the target still
            has a gradient, towards not predicting it; 0 is the plain index, where nothing against
            nothing is a full overlap.
        from_logits: whether `preds` are logits; otherwise they are probabilities.
        multilabel: whether a pixel may belong to several classes. Logits then pass through a
            sigmoid each, as they do when there is only one class; otherwise through a softmax.
        include_background: whether class 0 counts.
        ignore_index: pixels of this label count nowhere; needs integer labels. None ignores none.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.
    """

    average: Average
    smooth: float
    from_logits: bool
    multilabel: bool
    include_background: bool
    ignore_index: int | None

    def __init__(
        self,
        *,
        average: Average = "macro",
        smooth: float = 1.0,
        from_logits: bool = True,
        multilabel: bool = False,
        include_background: bool = True,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        _check_average(type(self).__name__, average)
        self.average = average
        self.smooth = number(type(self).__name__, "smooth", smooth)
        self.from_logits = from_logits
        self.multilabel = multilabel
        self.include_background = include_background
        self.ignore_index = ignore_index


def overlap_loss(
    where: str,
    target: ArrayLike,
    preds: ArrayLike,
    *,
    alpha: float,
    beta: float,
    gamma: float = 1.0,
    average: Average,
    smooth: float,
    from_logits: bool,
    multilabel: bool,
    include_background: bool,
    ignore_index: int | None,
) -> jax.Array:
    """Compute (1 - index) ** gamma; see the top of the file, and the losses for the arguments."""
    _check_average(where, average)
    scores = floating(where, "preds", preds)
    _check_rank(where, scores)
    t, counted = _truth(where, jnp.asarray(target), scores, ignore_index)
    if counted is not None:  # whatever such a pixel holds, it reaches neither value nor gradient
        scores = jnp.where(counted, scores, 0)
    p = _probabilities(scores, multilabel) if from_logits else scores
    if counted is not None:
        p, t = (jnp.where(counted, x, 0) for x in (p, t))
    if not include_background:
        _check_background(where, scores)
        p, t = p[..., 1:], t[..., 1:]
    axes = tuple(range(1, p.ndim if average == "micro" else p.ndim - 1))
    hits, false_alarms, misses = (
        jnp.sum(x, axis=axes) for x in (p * t, p * (1 - t), (1 - p) * t)
    )  # (batch,) or (batch, classes)
    bottom = hits + alpha * false_alarms + beta * misses + smooth
    is_empty = bottom == 0
    index = jnp.where(is_empty, 1, (hits + smooth) / jnp.where(is_empty, 1, bottom))
    loss = _power(1 - index, gamma)
    return jnp.mean(loss, axis=-1) if average == "macro" else loss


def _probabilities(logits: jax.Array, multilabel: bool) -> jax.Array:
    if multilabel or logits.shape[-1] == 1:
        return jax.nn.sigmoid(logits)
    return jax.nn.softmax(logits)


def _power(loss: jax.Array, gamma: float) -> jax.Array:
    """Raise to a power, with no gradient at 0, where that of a root is infinite."""
    if gamma == 1:
        return loss
    is_zero = loss <= 0
    return jnp.where(is_zero, 0, jnp.where(is_zero, 1, loss) ** gamma)


def _truth(
    where: str, target: jax.Array, scores: jax.Array, ignore_index: int | None
) -> tuple[jax.Array, jax.Array | None]:
    """Return the truth in the shape of `scores`, and which pixels count, (..., 1), None for all."""
    if target.shape == scores.shape and ignore_index is None:
        return share(where, "target", target.astype(scores.dtype)), None
    is_column = target.ndim == scores.ndim and target.shape[-1] == 1
    labels = target[..., 0] if is_column else target
    if labels.shape != scores.shape[:-1]:
        raise _unfit(where, target, scores)
    if not (labels.dtype == bool or jnp.issubdtype(labels.dtype, jnp.integer)):
        raise DataError(
            where,
            expected="labels of an integer dtype, or one probability per class",
            received=f"target.shape={target.shape}, target.dtype={target.dtype}",
            fix="Convert the labels with `target.astype(int)`.",
        )
    labels = labels.astype(jnp.int32)
    counted = None
    if ignore_index is not None:
        is_counted = labels != ignore_index
        labels = jnp.where(is_counted, labels, 0)
        counted = is_counted[..., None]
    return _one_hot(where, labels, scores), counted


def _one_hot(where: str, labels: jax.Array, scores: jax.Array) -> jax.Array:
    """Return the truth as zeros and ones, and NaN at labels that have no class."""
    classes = scores.shape[-1]
    known = max(classes, 2)  # one class has two labels: 1 where it is, 0 elsewhere
    check_labels(where, labels, known)
    if classes == 1:
        one_hot = labels[..., None].astype(scores.dtype)
    else:
        one_hot = jax.nn.one_hot(labels, classes, dtype=scores.dtype)
    has_class = (labels >= 0) & (labels < known)
    return jnp.where(has_class[..., None], one_hot, jnp.nan)


def _check_average(where: str, average: str) -> None:
    if average not in AVERAGES:
        raise unknown_name(where, "an average", str(average), AVERAGES)


def _check_rank(where: str, preds: jax.Array) -> None:
    if preds.ndim < 3 or preds.shape[-1] == 0:
        raise ShapeError(
            where,
            expected="`preds` of shape (batch, ...pixels, classes), with an axis of pixels",
            received=f"preds.shape={preds.shape}",
            fix="Append an axis of size 1 when there is one class: `preds[..., None]`.",
        )


def _check_background(where: str, preds: jax.Array) -> None:
    if preds.shape[-1] < 2:
        raise ShapeError(
            where,
            expected="at least 2 classes when `include_background` is False",
            received=f"preds.shape={preds.shape}",
            fix="With one class there is no background class to leave out.",
        )


def _unfit(where: str, target: jax.Array, preds: jax.Array) -> ShapeError:
    return ShapeError(
        where,
        expected=f"`target` of shape {preds.shape[:-1]} (labels) or {preds.shape} (probabilities)",
        received=f"target.shape={target.shape}, preds.shape={preds.shape}",
        fix="Make the leading axes equal; the last axis of `preds` holds the classes. "
        "`ignore_index` needs labels.",
    )
