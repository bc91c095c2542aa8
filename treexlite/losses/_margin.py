"""Margins between classes: the true class should have the highest score, and by a margin.

What flows in: labels, or one number per class, and one score per class. What flows out: one value
per example, at least in float32. The class axis is always the last one.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError, describe
from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._label_loss import LabelLoss
from treexlite.losses._labels import holds_labels, read_labels, read_probabilities
from treexlite.losses._loss import Reduction
from treexlite.losses._options import Weights

_MARGIN = "Use 1.0, or the lead that the true class should have."


class CategoricalHinge(LabelLoss):
    """How much the best wrong class lacks of trailing by 1: `categorical_hinge` for each example.

    Args:
        ignore_index: as in `categorical_hinge`; no mean counts such examples.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `ignore_index` is no whole number.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.CategoricalHinge()
        >>> float(loss(jnp.array([0, 1]), jnp.array([[2.0, 1.5, 0.0], [0.0, 3.0, 1.0]])))
        0.25
    """

    def __init__(
        self,
        *,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            ignore_index=ignore_index, reduction=reduction, weight=weight, on=on, name=name
        )

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `categorical_hinge(target, preds)` with the option of this loss."""
        return categorical_hinge(target, preds, ignore_index=self.ignore_index)


def categorical_hinge(
    target: ArrayLike, preds: ArrayLike, *, ignore_index: int | None = None
) -> jax.Array:
    """Compute max(0, 1 + wrong - right) of each example.

    right is the sum over classes of p · preds, the score of the true class; wrong is the largest
    (1 - p) · preds: the highest score of another class, but at least 0.

    Args:
        target: integer labels, or probabilities p of the classes (one-hot among them).
        preds: the score of each class, any real numbers.
        ignore_index: as in `cross_entropy`.

    Shapes:
        target: (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for probabilities.
        preds: (batch, ..., classes).
        returns: (batch, ...).

    Returns:
        One value per example. A traced label without a class gives NaN there.

    Raises:
        ShapeError: the shapes do not fit together, or there are fewer than two classes.
        DataError: labels are not integers, or `ignore_index` is given with probabilities.
        RangeError: a label is below 0, or not below the number of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> scores = jnp.array([[2.0, 1.5, 0.0], [-3.0, -1.0, -2.0]])
        >>> tx.losses.categorical_hinge(jnp.array([0, 1]), scores).tolist()
        [0.5, 2.0]

    Reference:
        As in Keras, which takes no labels. The 0 of the true class takes part in its maximum, so
        that the right score should be above 1 even when all others are below 0; `multi_margin` and
        Crammer and Singer (2001) have no such bound.
    """
    where = "categorical_hinge"
    target, preds = jnp.asarray(target), jnp.asarray(preds)
    if not holds_labels(target, preds):
        return _lead(*read_probabilities(where, target, preds, ignore_index))
    labels, scores = read_labels(where, target, preds, ignore_index)
    return labels.settle(
        _lead(jax.nn.one_hot(labels.index, preds.shape[-1], dtype=scores.dtype), scores)
    )


def _lead(p: jax.Array, scores: jax.Array) -> jax.Array:
    right = jnp.sum(p * scores, axis=-1)
    wrong = jnp.max((1 - p) * scores, axis=-1)
    return jnp.maximum(1 + wrong - right, 0)


class MultiMargin(LabelLoss):
    """How much all wrong classes lack of trailing by a margin: `multi_margin` for each example.

    Args:
        p: as in `multi_margin`.
        margin: as in `multi_margin`.
        class_weight: as in `multi_margin`; for reductions, as in `CrossEntropy`.
        ignore_index: as in `multi_margin`; no mean counts such examples.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `p` is neither 1 nor 2, `margin` is no number above 0, or the rest is not as
            in `CrossEntropy`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.MultiMargin()
        >>> float(loss(jnp.array([0, 1]), jnp.array([[2.0, 1.5], [0.0, 3.0]])))
        0.125
    """

    p: int
    margin: float

    def __init__(
        self,
        *,
        p: int = 1,
        margin: float = 1.0,
        class_weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            class_weight=class_weight,
            ignore_index=ignore_index,
            reduction=reduction,
            weight=weight,
            on=on,
            name=name,
        )
        where = type(self).__name__
        _check_power(where, p)
        self.p = p
        self.margin = _options.positive(where, "margin", margin, _MARGIN)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `multi_margin(target, preds)` with the options of this loss."""
        return multi_margin(
            target,
            preds,
            p=self.p,
            margin=self.margin,
            class_weight=self.class_weight,
            ignore_index=self.ignore_index,
        )


def multi_margin(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    p: int = 1,
    margin: float = 1.0,
    class_weight: Weights | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    """Compute w · sum over wrong classes of max(0, margin - right + wrong)^p / classes.

    right is the score of the label, wrong that of another class, w the weight of the label.

    Args:
        target: integer labels.
        preds: the score of each class, any real numbers.
        p: 1 for lines, 2 for parabolas.
        margin: by how much the true class should lead, above 0.
        class_weight: as in `cross_entropy`.
        ignore_index: as in `cross_entropy`.

    Shapes:
        target: (batch, ...) or (batch, ..., 1).
        preds: (batch, ..., classes).
        class_weight: (classes,).
        returns: (batch, ...).

    Returns:
        One value per example. A traced label without a class gives NaN there.

    Raises:
        ShapeError: the shapes do not fit together, or there are fewer than two classes.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.
        ArgumentError: an option is not as described.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.multi_margin(jnp.array([0]), jnp.array([[2.0, 1.5]])).tolist()
        [0.25]

    Reference:
        `torch.nn.MultiMarginLoss`, whose mean divides by the number of examples even when classes
        have weights: that is the default reduction here.
    """
    where = "multi_margin"
    _check_power(where, p)
    margin = _options.positive(where, "margin", margin, _MARGIN)
    labels, scores = read_labels(where, jnp.asarray(target), jnp.asarray(preds), ignore_index)
    gaps = jnp.maximum(margin - labels.of(scores)[..., None] + scores, 0)  # (batch, ..., classes)
    is_wrong = jnp.arange(scores.shape[-1]).reshape((1,) * (scores.ndim - 1) + (-1,))
    gaps = jnp.where(is_wrong != labels.index[..., None], gaps, 0)
    values = jnp.mean(gaps if p == 1 else jnp.square(gaps), axis=-1)
    if class_weight is not None:
        given = _options.weights(where, "class_weight", class_weight)
        weights = _options.spread(where, "class_weight", given, scores).reshape(-1)
        values = values * weights[labels.index]
    return labels.settle(values)


def _check_power(where: str, p: int) -> None:
    if p not in (1, 2):
        raise ArgumentError(
            where,
            expected="`p` to be 1 or 2",
            received=f"p={describe(p)}",
            fix="Use 1 for the usual margin, 2 to square what is missing of it.",
        )
