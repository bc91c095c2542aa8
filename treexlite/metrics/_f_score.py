"""F scores, means of precision and recall, and the Dice score, which is one of them."""

from __future__ import annotations

import math
from typing import Any

import jax

from treexlite._errors import ArgumentError
from treexlite._samples import On
from treexlite.metrics._class_averages import Average, ClassScore
from treexlite.metrics._class_counts import Outcomes


class FBeta(ClassScore):
    """The weighted harmonic mean of precision p and recall r: (1 + b²) p r / (b² p + r).

    In counts, (1 + b²) tp / ((1 + b²) tp + b² fn + fp). Classes, averages, shapes, state and errors
    are those of `Precision`.

    Args:
        beta: b, at least 0: recall counts b times as much as precision.
        num_classes: as in `Precision`.
        num_labels: as in `Precision`.
        average: as in `Precision`.
        threshold: as in `Precision`.
        zero_division: as in `Precision`; the denominator is 0 when a class is neither true nor
            predicted.
        on: as in `Metric`.
        name: as in `Metric`.

    Raises:
        ArgumentError: `beta` is negative or not finite, or as in `Precision`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([0, 1, 1, 1]), jnp.array([0, 0, 0, 1])
        >>> [round(float(tx.metrics.FBeta(beta)(target, preds)), 3) for beta in (0.5, 2)]
        [0.714, 0.385]

    Reference:
        `sklearn.metrics.fbeta_score`, whose default for degenerate classes is ours; Keras's
        `FBetaScore` gives one score per class unless told otherwise.
    """

    beta: float

    def __init__(
        self,
        beta: float,
        *,
        num_classes: int | None = None,
        num_labels: int | None = None,
        average: Average | None = "auto",
        threshold: float = 0.5,
        zero_division: float = 0.0,
        on: On = None,
        name: str | None = None,
    ) -> None:
        _check_beta(type(self).__name__, beta)
        self.beta = float(beta)
        super().__init__(
            num_classes=num_classes,
            num_labels=num_labels,
            average=average,
            threshold=threshold,
            zero_division=zero_division,
            on=on,
            name=name,
        )

    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return the terms of the formula, both divided by 1 + b²."""
        return _ratio(outcomes, self.beta)


class F1(ClassScore):
    """The harmonic mean of precision and recall: 2 tp / (2 tp + fn + fp).

    Classes, averages, shapes, state and errors are those of `Precision`.

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
        >>> float(tx.metrics.F1()(target, preds))
        0.5
        >>> tags = jnp.array([[1, 0], [1, 1]])
        >>> scores = jnp.array([[0.9, 0.2], [0.8, 0.1]])
        >>> tx.metrics.F1(num_labels=2, average="none")(tags, scores)
        Array([1., 0.], dtype=float32)

    Reference:
        `sklearn.metrics.f1_score`. Keras's `F1Score` takes the highest score of several labels for
        the only yes unless it is given a threshold.
    """

    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return the terms of the formula, both divided by 2."""
        return _ratio(outcomes, 1.0)


class DiceScore(F1):
    """The overlap of the true and the predicted set: 2 |A ∩ B| / (|A| + |B|), which is `F1`.

    It is the name under which F1 is known where the examples are the pixels of images. Sets are
    taken over all pixels of all images. Classes, averages, shapes, state and errors are those of
    `Precision`.

    Args:
        num_classes: as in `Precision`.
        num_labels: as in `Precision`.
        average: as in `Precision`.
        threshold: as in `Precision`.
        zero_division: as in `Precision`; the denominator is 0 when both sets are empty.
        on: as in `Metric`.
        name: as in `Metric`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> image, mask = jnp.array([[[0, 1], [1, 1]]]), jnp.array([[[0.1, 0.8], [0.7, 0.3]]])
        >>> round(float(tx.metrics.DiceScore()(image, mask)), 3)
        0.8

    Reference:
        Dice, "Measures of the amount of ecologic association between species" (1945).
        `torchmetrics.segmentation.DiceScore` with aggregation_level="global"; its default is the
        mean over the scores of single images.
    """


def _ratio(outcomes: Outcomes, beta: float) -> tuple[jax.Array, jax.Array]:
    alarm = 1 / (1 + beta * beta)
    return outcomes.tp, outcomes.tp + (1 - alarm) * outcomes.fn + alarm * outcomes.fp


def _check_beta(where: str, beta: Any) -> None:
    if not (isinstance(beta, (int, float)) and 0 <= beta < math.inf):
        raise ArgumentError(
            where,
            expected="`beta` to be a number, at least 0",
            received=f"beta={beta!r}",
            fix="Take 1 to weigh precision and recall alike, 2 to favour recall.",
        )
