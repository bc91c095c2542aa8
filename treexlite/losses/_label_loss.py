"""`LabelLoss`: what losses between labels and scores of classes share.

What flows in: a label to ignore, weights of classes. What flows out: which examples are present,
and how much each counts. Nothing is mutated.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._labels import holds_labels, raw_labels
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._options import Weights


class LabelLoss(Loss):
    """Base of the losses whose targets may be labels, which a `Trainer` checks before it trains.

    The weights of classes belong to `per_example`; here they count, for "weighted_mean".

    Args:
        class_weight: one weight per class, or None.
        ignore_index: the label of examples that are absent, or None.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `class_weight` or `ignore_index` is not as described.
    """

    class_weight: tuple[float, ...] | None
    ignore_index: int | None

    def __init__(
        self,
        *,
        class_weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        where = type(self).__name__
        self.class_weight = (
            None if class_weight is None else _options.weights(where, "class_weight", class_weight)
        )
        self.ignore_index = _options.index(where, "ignore_index", ignore_index)

    @property
    def takes_labels(self) -> bool:
        """Whether integers among the targets are classes."""
        return True

    def own_mask(self, target: Any, preds: Any) -> jax.Array | None:
        """Return where the label is not the one to ignore."""
        if self.ignore_index is None:
            return None
        target, preds = jnp.asarray(target), jnp.asarray(preds)
        if not holds_labels(target, preds):
            return None  # the formula refuses them
        labels = raw_labels(type(self).__name__, target, preds)
        return labels.astype(jnp.int32) != self.ignore_index

    def own_counts(self, target: Any, preds: Any) -> jax.Array | None:
        """Return the weight of the true class, the expected one for probabilities."""
        if self.class_weight is None:
            return None
        target, preds = jnp.asarray(target), jnp.asarray(preds)
        weights = jnp.asarray(self.class_weight)
        if holds_labels(target, preds):
            labels = raw_labels(type(self).__name__, target, preds)
            return weights.at[labels.astype(jnp.int32)].get(mode="clip")
        return jnp.matmul(target.astype(weights.dtype), weights)
