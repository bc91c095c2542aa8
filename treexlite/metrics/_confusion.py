"""Confusion matrices: how often each class is taken for each other, or each label for its rest."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError
from treexlite._samples import On
from treexlite.metrics import _sums, _tallies
from treexlite.metrics._class_averages import divide
from treexlite.metrics._class_counts import ClassMetric, OneVsRest
from treexlite.metrics._predictions import Answers

Normalize: TypeAlias = Literal["true", "pred", "all"]
"""What the entries of a confusion matrix are shares of."""

_AXES: dict[Any, tuple[int, ...]] = {"true": (1,), "pred": (0,), "all": (0, 1)}


class Pairings(ClassMetric):
    """Base of metrics that need to know which class was taken for which.

    Args:
        num_classes: how many classes there are; None for yes and no, which are two.
        threshold: above it, a single score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        counts: one sum for each pair of classes, (2, classes, classes); true classes are rows.
        total: as in `ClassMetric`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(num_classes=num_classes, threshold=threshold, on=on, name=name)

    def shape(self) -> tuple[int, ...]:
        """Return (classes, classes)."""
        return (self.classes, self.classes)

    def count(self, answers: Answers, weights: jax.Array | None) -> jax.Array:
        """Count the pairs of a batch."""
        pair = answers.true * self.classes + answers.predicted
        counts: jax.Array = _tallies.by_group(pair[None], self.classes**2, weights)
        return counts.reshape(2, *self.shape())


class ConfusionMatrix(Pairings):
    """The matrix of the number, or weight, of examples of class i that are predicted as class j.

    Args:
        num_classes: how many classes there are; None for yes and no, which are classes 1 and 0.
        normalize: "true" divides each row by its sum, "pred" each column, "all" everything by the
            sum of all; None leaves counts as they are. A row or column of zeros stays one.
        threshold: above it, a single score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `Precision`.
        returns: (classes, classes).

    State:
        counts: one sum for each pair of classes, (2, classes, classes), as `_sums` keeps sums.
        total: the weight of all examples, (2,).

    Returns:
        A float32 matrix, true classes as rows. When nothing was seen the counts are 0, and shares
        NaN. A prediction with a NaN in it counts for the class after the true one, or for class 0
        after the last, so that it is never right. A traced label without a class makes all NaN.

    Raises:
        ArgumentError: `num_classes` or `normalize` is none of those above; `target` or `preds` is
            missing.
        ShapeError: `target` and `preds` do not fit together or have other classes.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> matrix = tx.metrics.ConfusionMatrix(3)
        >>> matrix(jnp.array([0, 1, 2, 1]), jnp.array([0, 1, 1, 0]))
        Array([[1., 0., 0.],
               [1., 1., 0.],
               [0., 1., 0.]], dtype=float32)

    Reference:
        `sklearn.metrics.confusion_matrix` with labels=range(num_classes).
    """

    normalize: Normalize | None

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        normalize: Normalize | None = None,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        if normalize is not None and normalize not in _AXES:
            raise ArgumentError(
                type(self).__name__,
                expected="`normalize` to be 'true', 'pred', 'all' or None",
                received=f"normalize={normalize!r}",
                fix="Take 'true' for the recall of each class on the diagonal.",
            )
        self.normalize = normalize
        super().__init__(num_classes=num_classes, threshold=threshold, on=on, name=name)

    def compute(self) -> jax.Array:
        """Return the matrix over all data since `reset`."""
        if self.normalize is not None:
            return jnp.asarray(super().compute())
        return _unless_invalid(self.total, self.score())

    def score(self) -> jax.Array:
        """Return the matrix."""
        counts = _sums.value(self.counts)
        if self.normalize is None:
            return counts
        return divide(counts, jnp.sum(counts, axis=_AXES[self.normalize], keepdims=True), 0.0)


class MultilabelConfusionMatrix(OneVsRest):
    """The matrix [[tn, fp], [fn, tp]] of each label: what is not and is true, and is predicted.

    Args:
        num_labels: how many labels there are, any of which may be true of an example.
        threshold: above it, a score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch, ..., num_labels).
        sample_weight: the first axes of (batch, ...).
        returns: (num_labels, 2, 2).

    State:
        counts, total: as in `Precision`.

    Returns:
        Float32 matrices, 0 when nothing was seen. A score that is NaN is never right. A traced
        target that is neither 0 nor 1 makes all NaN.

    Raises:
        TreexliteError: as `Precision`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> matrix = tx.metrics.MultilabelConfusionMatrix(1)
        >>> matrix(jnp.array([[0], [1], [1]]), jnp.array([[0.6], [0.7], [0.8]]))
        Array([[[0., 1.],
                [0., 2.]]], dtype=float32)

    Reference:
        `sklearn.metrics.multilabel_confusion_matrix`.
    """

    def __init__(
        self,
        num_labels: int,
        *,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(num_labels=num_labels, threshold=threshold, on=on, name=name)

    def compute(self) -> jax.Array:
        """Return the matrices over all data since `reset`."""
        return _unless_invalid(self.total, self.score())

    def score(self) -> jax.Array:
        """Return the matrices."""
        tp, fp, fn, tn = self.outcomes()
        return jnp.stack([tn, fp, fn, tp], axis=-1).reshape(-1, 2, 2)


def _unless_invalid(total: jax.Array, counts: jax.Array) -> jax.Array:
    """Return counts, which are 0 when nothing was seen, but NaN after a label without a class."""
    return jnp.where(jnp.isnan(_sums.value(total)), jnp.nan, counts)
