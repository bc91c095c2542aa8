"""Focal cross-entropy: cross-entropy that counts what is already well predicted for little.

What flows in: targets and scores, as for the cross-entropies. What flows out: one value per
example, at least in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._binary import RANGE, log_sides, smooth
from treexlite.losses._label_loss import LabelLoss
from treexlite.losses._labels import (
    holds_labels,
    log_of,
    product,
    read_labels,
    read_probabilities,
)
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._options import Weights
from treexlite.losses._pairs import alike, check_between, mean_of_features, nan_outside

_ALPHA = "Use the share that examples of class 1 should have, such as 0.25."
_GAMMA = "Use 0 for plain cross-entropy; 2.0 is common."


class BinaryFocalCrossEntropy(Loss):
    """The surprise at each yes or no, less for what is easy: `binary_focal_cross_entropy`.

    Args:
        alpha: as in `binary_focal_cross_entropy`.
        gamma: as in `binary_focal_cross_entropy`.
        from_logits: as in `binary_focal_cross_entropy`.
        label_smoothing: as in `binary_focal_cross_entropy`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `alpha` or `label_smoothing` is not between 0 and 1, or `gamma` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.BinaryFocalCrossEntropy(reduction="none")
        >>> loss(jnp.array([1, 1]), jnp.array([0.0, 4.0])).round(5)
        Array([1.7329e-01, 1.0000e-05], dtype=float32)
    """

    alpha: float | None
    gamma: float
    from_logits: bool
    label_smoothing: float

    def __init__(
        self,
        *,
        alpha: float | None = None,
        gamma: float = 2.0,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        where = type(self).__name__
        self.alpha = None if alpha is None else _options.share(where, "alpha", alpha, _ALPHA)
        self.gamma = _options.not_negative(where, "gamma", gamma, _GAMMA)
        self.from_logits = from_logits
        self.label_smoothing = _options.smoothing(where, label_smoothing)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `binary_focal_cross_entropy(target, preds)` with the options of this loss."""
        return binary_focal_cross_entropy(
            target,
            preds,
            alpha=self.alpha,
            gamma=self.gamma,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
        )


def binary_focal_cross_entropy(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Compute the binary focal cross-entropy of each example.

    The mean over features of a · m^gamma · binary cross-entropy. How much probability q gives to
    the wrong side of the target p is m = p · (1 - q) + (1 - p) · q, and a is
    p · alpha + (1 - p) · (1 - alpha).

    Args:
        target: 0 or 1, or a probability in between.
        preds: one score per target. Their dtype is that of the result, but at least float32.
        alpha: the weight of a yes beside that of a no, in [0, 1]; None weighs neither.
        gamma: how much less the easy ones count, from 0.
        from_logits: as in `binary_cross_entropy`.
        label_smoothing: as in `binary_cross_entropy`.

    Shapes:
        target, preds: (batch, ..., features), or (batch,) when each example is one number. One of
            the two may lack a last axis of size 1.
        returns: (batch, ...); (batch,) for (batch,).

    Returns:
        One value per example; NaN as in `binary_cross_entropy`.

    Raises:
        ShapeError: the shapes differ.
        RangeError: a target is not in [0, 1].
        ArgumentError: an option is not as described.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.binary_focal_cross_entropy(jnp.array([1, 0]), jnp.array([0.0, 1.0])).round(2)
        Array([0.17, 0.7 ], dtype=float32)

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection" (2017). Keras has two options for what
        `alpha` says: `apply_class_balancing=True` is `alpha=0.25` here. The wrong side's share is a
        sum here, so it keeps its digits where Keras's 1 - p has none left.
    """
    where = "binary_focal_cross_entropy"
    gamma = _options.not_negative(where, "gamma", gamma, _GAMMA)
    label_smoothing = _options.smoothing(where, label_smoothing)
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    check_between(where, target, 0, 1, RANGE)
    yes, no = smooth(target, label_smoothing)
    log_q, log_not_q = log_sides(preds, from_logits)
    values = -product(yes, log_q) - product(no, log_not_q)
    values = values * _power(yes * jnp.exp(log_not_q) + no * jnp.exp(log_q), gamma)
    if alpha is not None:
        alpha = _options.share(where, "alpha", alpha, _ALPHA)
        values = values * (yes * alpha + no * (1 - alpha))
    return mean_of_features(nan_outside(values, target, 0, 1))


class CategoricalFocalCrossEntropy(LabelLoss):
    """The surprise at the true class, less for what is easy: `categorical_focal_cross_entropy`.

    Args:
        alpha: as in `categorical_focal_cross_entropy`.
        gamma: as in `categorical_focal_cross_entropy`.
        from_logits: as in `categorical_focal_cross_entropy`.
        label_smoothing: as in `categorical_focal_cross_entropy`.
        ignore_index: as in `categorical_focal_cross_entropy`; no mean counts such examples.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `alpha` is neither a number above 0 nor a list of numbers from 0, `gamma` is
            below 0, `label_smoothing` is not between 0 and 1, or `ignore_index` no whole number.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.CategoricalFocalCrossEntropy(alpha=1.0)
        >>> round(float(loss(jnp.array([0, 1]), jnp.array([[0.0, 0.0], [0.0, 0.0]]))), 3)
        0.173
    """

    alpha: float | tuple[float, ...]
    gamma: float
    from_logits: bool
    label_smoothing: float

    def __init__(
        self,
        *,
        alpha: Weights = 0.25,
        gamma: float = 2.0,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            ignore_index=ignore_index, reduction=reduction, weight=weight, on=on, name=name
        )
        where = type(self).__name__
        self.alpha = _alpha(where, alpha)
        self.gamma = _options.not_negative(where, "gamma", gamma, _GAMMA)
        self.from_logits = from_logits
        self.label_smoothing = _options.smoothing(where, label_smoothing)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `categorical_focal_cross_entropy(target, preds)` with the options of this loss."""
        return categorical_focal_cross_entropy(
            target,
            preds,
            alpha=self.alpha,
            gamma=self.gamma,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            ignore_index=self.ignore_index,
        )


def categorical_focal_cross_entropy(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    alpha: Weights = 0.25,
    gamma: float = 2.0,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> jax.Array:
    """Compute -sum over classes of a(c) · (1 - q(c))^gamma · p(c) · log q(c) for each example.

    a is `alpha`, p is 1 for the label and 0 elsewhere, or the given probabilities, and q is
    softmax(preds).

    Args:
        target: integer labels, or probabilities of the classes (one-hot among them).
        preds: the score of each class. Their dtype is that of the result, but at least float32.
        alpha: the weight of all classes, or of each.
        gamma: how much less the easy ones count, from 0.
        from_logits: as in `cross_entropy`.
        label_smoothing: as in `cross_entropy`.
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
        ArgumentError: an option is not as described.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> logits = jnp.array([[0.0, 0.0]])
        >>> tx.losses.categorical_focal_cross_entropy(jnp.array([1]), logits).round(4)
        Array([0.0433], dtype=float32)

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection" (2017). As in Keras, which takes no
        labels, takes probabilities unless told otherwise, and rescales those.
    """
    where = "categorical_focal_cross_entropy"
    gamma = _options.not_negative(where, "gamma", gamma, _GAMMA)
    label_smoothing = _options.smoothing(where, label_smoothing)
    target, preds = jnp.asarray(target), jnp.asarray(preds)
    if holds_labels(target, preds):
        labels, scores = read_labels(where, target, preds, ignore_index)
        p = jax.nn.one_hot(labels.index, preds.shape[-1], dtype=scores.dtype)
    else:
        labels = None
        p, scores = read_probabilities(where, target, preds, ignore_index)
    p = p * (1 - label_smoothing) + label_smoothing / preds.shape[-1]
    log_q = jax.nn.log_softmax(scores) if from_logits else log_of(scores)
    given = _alpha(where, alpha)
    p = p * (_options.spread(where, "alpha", given, p) if isinstance(given, tuple) else given)
    values = -jnp.sum(product(p, log_q) * _power(-jnp.expm1(log_q), gamma), axis=-1)
    return values if labels is None else labels.settle(values)


def _power(base: jax.Array, exponent: float) -> jax.Array:
    """Raise what is not negative to a power; at 0, where slopes may be infinite, there is none."""
    if exponent == 0:
        return jnp.ones_like(base)
    is_there = base > 0
    return jnp.where(is_there, jnp.where(is_there, base, 1) ** exponent, 0)


def _alpha(where: str, value: Weights) -> float | tuple[float, ...]:
    if np.ndim(value) == 0:
        return _options.positive(where, "alpha", value, "Use 0.25, or one weight per class.")
    return _options.weights(where, "alpha", value)
