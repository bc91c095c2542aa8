"""Labels in the batches of a stream, looked at when they are read.

In: the loss, the shapes of the predictions, and batch after batch on the host. Out: the batches, or
the error that `check_targets` has for a whole data set. Nothing is mutated. It runs in the thread
that reads ahead. Batches that are JAX arrays pass: to look at them is to wait for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from treexlite._samples import select
from treexlite.losses import BinaryCrossEntropy, Loss
from treexlite.losses._label_loss import LabelLoss
from treexlite.training._data import Batch
from treexlite.training._fitting import CrossEntropyByShape, is_one_score
from treexlite.training._heads import Head, HeadLosses, heads_of
from treexlite.training._streams import Given
from treexlite.training._targets import check_targets
from treexlite.training._trees import part_at


class TargetCheck:
    """Refuses targets that have no meaning for the loss, in any batch.

    Args:
        where: the method that names itself in errors.
        loss: the loss, or the losses of several heads.
        first: the first batch, which has passed.
        preds: gives the shapes of the predictions for it; called now or never, as a thread must not
            trace what is trained at the same time.
    """

    def __init__(
        self,
        where: str,
        loss: Loss | HeadLosses | None,
        first: Batch,
        preds: Callable[[], Any],
    ) -> None:
        self._where, self._loss = where, loss
        heads = [head for head in heads_of(loss) if _has_limit(head, first)]
        shapes = preds() if heads else None
        self._preds = lambda: shapes
        self._limits = [(head, _limit(_part(head, "preds", shapes).shape, head)) for head in heads]

    def batches(self, batches: Iterator[Given], done: int) -> Iterator[Given]:
        """Give the batches of an epoch, of which some were `done` before, after a look at each.

        Raises:
            RangeError: a label is no class; the message has the number of the batch, from 1.
        """
        for number, given in enumerate(batches, done + 1):
            batch = given.batch
            for head, limit in self._limits if batch.y is not None else ():
                target = _part(head, "target", batch.y)
                if isinstance(target, np.ndarray) and not _is_within(target, limit):
                    # It may be a label to ignore, or of weight 0.
                    place = f"{self._where}, batch {number}"
                    check_targets(place, self._loss, batch, self._preds)
                    break
            yield given


def _has_limit(head: Head, first: Batch) -> bool:
    if first.y is None or not isinstance(head.loss, (LabelLoss, BinaryCrossEntropy)):
        return False
    target = _part(head, "target", first.y)
    is_whole = getattr(target, "dtype", np.dtype(object)).kind in "iu"
    return is_whole or isinstance(head.loss, BinaryCrossEntropy)


def _limit(shape: tuple[int, ...], head: Head) -> int:
    by_shape = isinstance(head.loss, CrossEntropyByShape) and is_one_score(shape)
    return 1 if by_shape or isinstance(head.loss, BinaryCrossEntropy) else shape[-1] - 1


def _part(head: Head, name: str, tree: Any) -> Any:
    return select("Trainer", name, part_at("Trainer", name, tree, head.path), head.loss.on)


def _is_within(target: np.ndarray, limit: int) -> bool:
    return bool(target.min() >= 0 and target.max() <= limit)
