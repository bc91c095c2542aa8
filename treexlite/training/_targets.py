"""Labels, looked at before the first step: compiled code sees no values, so it cannot refuse one.

In: the loss, a whole data set, and the shapes of the predictions for one batch of it. Out: nothing,
or the error that the loss would raise outside of compiled code. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treexlite._samples import check_labels, select
from treexlite.losses import Loss
from treexlite.losses._label_loss import LabelLoss
from treexlite.training._data import Batch


def check_targets(where: str, loss: Loss | None, batch: Batch, preds: Callable[[], Any]) -> None:
    """Refuse labels that are no class of the model, nor the one that the loss ignores.

    Examples of weight 0 may have any.

    Args:
        where: the method that names itself in errors.
        loss: the loss. Only a `LabelLoss` compares labels with classes.
        batch: the whole data set.
        preds: gives the shapes of the predictions for one batch; called when they are needed.

    Raises:
        RangeError: a label is below 0, or not below the number of classes.
        StructureError: targets or predictions have no part at `loss.on`.
    """
    if not isinstance(loss, LabelLoss) or not loss.takes_labels or batch.y is None:
        return
    labels = np.asarray(select(where, "target", batch.y, loss.on))
    if labels.dtype.kind not in "iu":
        return
    scores = select(where, "preds", preds(), loss.on).shape
    if labels.ndim == len(scores) and labels.shape[-1] == scores[-1]:
        return  # probabilities of the classes, in whole numbers
    if batch.sample_weight is not None:
        labels = labels[np.asarray(batch.sample_weight) != 0]
    if loss.ignore_index is not None:
        labels = labels[labels != loss.ignore_index]
    if labels.size:
        extremes: Any = np.array([labels.min(), labels.max()])
        check_labels(where, extremes, scores[-1])
