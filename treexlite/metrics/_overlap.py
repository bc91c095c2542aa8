"""Intersection over union of true and predicted sets."""

from __future__ import annotations

import math

import jax

from treexlite._samples import On
from treexlite.metrics._class_averages import ClassScore
from treexlite.metrics._class_counts import Outcomes


class JaccardIndex(ClassScore):
    """The intersection over the union of the true and the predicted set: tp / (tp + fp + fn).

    Also called IoU. Classes, averages, shapes, state and errors are those of `Precision`; the
    pixels of an image are examples.

    Args:
        num_classes: as in `Precision`.
        num_labels: as in `Precision`.
        average: as in `Precision`.
        threshold: as in `Precision`.
        zero_division: as in `Precision`; the denominator is 0 when a class is neither true nor
            predicted.
        on: as in `Metric`.
        name: as in `Metric`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([0, 1, 1, 1]), jnp.array([0, 0, 0, 1])
        >>> round(float(tx.metrics.JaccardIndex()(target, preds)), 3)
        0.333

    Reference:
        `sklearn.metrics.jaccard_score`. `keras.metrics.IoU` and `BinaryIoU` average chosen classes;
        take the entries of average="none".
    """

    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return tp and tp + fp + fn."""
        return outcomes.tp, outcomes.tp + outcomes.fp + outcomes.fn


class MeanIoU(JaccardIndex):
    """The mean over classes of intersection over union; a class that is nowhere is left out.

    It is `JaccardIndex` with average="macro" and zero_division=nan. Shapes, state and errors are
    those of `Precision`.

    Args:
        num_classes: how many classes there are; None for yes and no, which are two classes.
        threshold: as in `Precision`.
        on: as in `Metric`.
        name: the name in logs, "mean_iou" when None.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> iou = tx.metrics.MeanIoU(3)
        >>> round(float(iou(jnp.array([0, 1, 1, 1]), jnp.array([0, 0, 1, 1]))), 3)
        0.583

    Reference:
        `keras.metrics.MeanIoU`, which cuts weights to whole numbers unless it is given a floating
        dtype, leaves labels out of range out, and gives 0 when nothing was seen. For its
        `ignore_class`, give such examples a `sample_weight` of 0.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            average="macro",
            threshold=threshold,
            zero_division=math.nan,
            on=on,
            name="mean_iou" if name is None else name,
        )
