"""Labels, looked at before the first step: compiled code sees no values, so it cannot refuse one.

In: the loss, a whole data set, and the shapes of the predictions for one batch of it. Out: nothing,
or the error that the loss would raise outside of compiled code. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treexlite._errors import DataError, RangeError
from treexlite._samples import check_labels, select
from treexlite.losses import BinaryCrossEntropy, Loss
from treexlite.losses._label_loss import LabelLoss
from treexlite.training._data import Batch
from treexlite.training._fitting import CrossEntropyByShape, is_one_score
from treexlite.training._heads import Head, HeadLosses, heads_of
from treexlite.training._trees import is_tree, part_at

_ROUNDING = 1e-2
"""By how much probabilities in half precision may miss a sum of 1."""


def check_targets(
    where: str, loss: Loss | HeadLosses | None, batch: Batch, preds: Callable[[], Any]
) -> None:
    """Refuse targets that have no meaning for the loss, in each head.

    These are labels that are no class of the model, nor the one that the loss ignores; targets of
    binary cross-entropy outside of [0, 1]; and rows of several numbers for "crossentropy" that are
    no probabilities, so that nobody knows what they are. Examples of weight 0 may have any.

    Args:
        where: the method that names itself in errors.
        loss: the loss, or the losses of several heads.
        batch: the whole data set.
        preds: gives the shapes of the predictions for one batch; called when they are needed.

    Raises:
        RangeError: a label is below 0, or not below the number of classes.
        DataError: rows are neither labels nor probabilities.
        StructureError: targets or predictions have no part at `loss.on`.
    """
    if batch.y is None:
        return
    for head in heads_of(loss):
        place = f"{where}, head {head.name!r}" if head.path else where
        target = select(place, "target", part_at(place, "target", batch.y, head.path), head.loss.on)
        if not is_tree(target):  # otherwise the loss says what is wrong with it, if anything
            weights = head.weights(batch.sample_weight)
            _check_head(place, head, np.asarray(target), weights, preds)


def _check_head(
    where: str, head: Head, target: np.ndarray, weights: Any, preds: Callable[[], Any]
) -> None:
    def shape() -> tuple[int, ...]:
        part = part_at(where, "preds", preds(), head.path)
        found: tuple[int, ...] = select(where, "preds", part, head.loss.on).shape
        return found

    if isinstance(head.loss, CrossEntropyByShape):
        _check_by_shape(where, target, weights, shape())
    elif isinstance(head.loss, LabelLoss):
        if head.loss.takes_labels and target.dtype.kind in "iu":
            _check_classes(where, head.loss, target, weights, shape())
    elif isinstance(head.loss, BinaryCrossEntropy):
        _check_sides(where, _present(target, weights))


def _check_classes(
    where: str, loss: LabelLoss, labels: np.ndarray, weights: Any, shape: tuple[int, ...]
) -> None:
    if labels.ndim == len(shape) and labels.shape[-1] == shape[-1]:
        return  # probabilities of the classes, in whole numbers
    labels = _present(labels, weights)
    if loss.ignore_index is not None:
        labels = labels[labels != loss.ignore_index]
    if labels.size:
        extremes: Any = np.array([labels.min(), labels.max()])
        check_labels(where, extremes, shape[-1])


def _check_by_shape(where: str, target: np.ndarray, weights: Any, shape: tuple[int, ...]) -> None:
    if is_one_score(shape):
        _check_sides(where, _present(target, weights))
    elif target.ndim == len(shape) and target.shape[-1] == shape[-1]:
        sums = _present(target, weights).sum(axis=-1, dtype=np.float64)
        if not np.all(abs(sums - 1) <= _ROUNDING):
            raise DataError(
                where,
                expected=f"labels, or probabilities of {shape[-1]} classes that sum to 1, for "
                "'crossentropy' by name",
                received=f"rows of {shape[-1]} numbers with sums from {sums.min():.3g} to "
                f"{sums.max():.3g}",
                fix="Say 'binary_crossentropy' for several yes-or-no answers for each example, "
                "'categorical_crossentropy' for classes.",
            )
    elif target.dtype.kind in "iu":
        _check_classes(where, CrossEntropyByShape(), target, weights, shape)


def _check_sides(where: str, target: np.ndarray) -> None:
    if not np.all((target >= 0) & (target <= 1)):
        raise RangeError(
            where,
            expected="targets from 0 to 1, because the model gives one score for each",
            received=f"targets from {target.min()} to {target.max()}",
            fix="Use 0 for no and 1 for yes; for more classes, give the model a score for each.",
        )


def _present(target: np.ndarray, weights: Any) -> np.ndarray:
    return target if weights is None else target[np.asarray(weights) != 0]
