"""Cross-entropy: how much probability the predictions give to the true class.

What flows in: labels or class probabilities, and one score per class. What flows out: one value per
example, at least in float32. The class axis is always the last one.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._label_loss import LabelLoss
from treexlite.losses._labels import (
    Labels,
    holds_labels,
    log_of,
    product,
    read_labels,
    read_probabilities,
)
from treexlite.losses._loss import Reduction
from treexlite.losses._options import Weights


class CrossEntropy(LabelLoss):
    """The surprise at the true class, `cross_entropy` for each example.

    Args:
        from_logits: as in `cross_entropy`.
        label_smoothing: as in `cross_entropy`.
        class_weight: as in `cross_entropy`. The default reduction divides by the number of
            examples, as Keras does; "weighted_mean" by the sum of the weights of their classes, as
            torch does.
        ignore_index: as in `cross_entropy`; no mean counts such examples.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `label_smoothing` is not between 0 and 1, `class_weight` is no list of
            numbers from 0, or `ignore_index` no whole number.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.CrossEntropy(reduction="none")
        >>> labels, logits = jnp.array([0, 1]), jnp.array([[2.0, 0.0], [0.0, 0.0]])
        >>> loss(labels, logits).round(3)
        Array([0.127, 0.693], dtype=float32)
        >>> padded = tx.losses.CrossEntropy(ignore_index=-100)
        >>> padded(jnp.array([-100, 1]), logits).round(3)
        Array(0.693, dtype=float32)
    """

    from_logits: bool
    label_smoothing: float

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
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
        self.from_logits = from_logits
        self.label_smoothing = _options.smoothing(where, label_smoothing)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `cross_entropy(target, preds)` with the options of this loss."""
        return cross_entropy(
            target,
            preds,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            ignore_index=self.ignore_index,
        )


def cross_entropy(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    class_weight: Weights | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    """Compute the cross-entropy of each example: -sum over classes of w(c) · p(c) · log q(c).

    p is 1 for the label and 0 elsewhere, or the given probabilities; q is softmax(preds); w is 1,
    or the weight of the class.

    Args:
        target: integer labels, or probabilities of the classes (one-hot among them).
        preds: the score of each class. Their dtype is that of the result, but at least float32.
        from_logits: whether `preds` are logits, any real numbers; the exact and stable form,
            therefore the default. Otherwise they are probabilities, which sum to 1; below 1e-7 they
            count as 1e-7 and have no gradient.
        label_smoothing: the share e of p, in [0, 1], that is spread evenly over all classes:
            p becomes (1 - e) · p + e / classes.
        class_weight: one number from 0 for each class, to make rare ones count more; a list, a
            tuple or an array, whose values are constants to a compiled function.
        ignore_index: examples with this label, which need not be a class, have the value 0 and no
            gradient. For labels only.

    Shapes:
        target: (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for probabilities.
        preds: (batch, ..., classes).
        class_weight: (classes,).
        returns: (batch, ...).

    Returns:
        One value per example. Labels that are traced cannot be checked; a label without a class
        gives NaN there, so that it cannot go unnoticed.

    Raises:
        ShapeError: the shapes do not fit together, or there are fewer than two classes.
        DataError: labels are not integers, or `ignore_index` is given with probabilities.
        RangeError: a label is below 0, or not below the number of classes.
        ArgumentError: `label_smoothing` is not between 0 and 1, or `class_weight` is no list of one
            number from 0 per class.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.cross_entropy(jnp.array([1]), jnp.array([[0.0, 0.0]])).round(3)
        Array([0.693], dtype=float32)

    Reference:
        Szegedy et al., "Rethinking the Inception Architecture" (2016), for label smoothing. Keras
        takes probabilities unless told otherwise, and rescales those that do not sum to 1; we do
        not. Weights of classes act as in torch, inside the sum over classes, so they weigh smoothed
        labels too; labels and their one-hot form always have the same loss, while torch's mean
        divides by the weights for the first and by the examples for the second.
    """
    where = "cross_entropy"
    label_smoothing = _options.smoothing(where, label_smoothing)
    target, preds = jnp.asarray(target), jnp.asarray(preds)
    if holds_labels(target, preds):
        labels, scores = read_labels(where, target, preds, ignore_index)
        weights = _weights(where, class_weight, scores)
        if not label_smoothing:
            log_of_class = _log_q_of_class(labels, scores, from_logits)
            if weights is not None:
                log_of_class = product(weights.reshape(-1)[labels.index], log_of_class)
            return labels.settle(-log_of_class)
        log_q = _log_q(scores, from_logits)
        return labels.settle(_smoothed(labels, log_q, weights, label_smoothing))
    p, scores = read_probabilities(where, target, preds, ignore_index)
    p = p * (1 - label_smoothing) + label_smoothing / preds.shape[-1]
    weights = _weights(where, class_weight, scores)
    p = p if weights is None else p * weights
    return -jnp.sum(product(p, _log_q(scores, from_logits)), axis=-1)


def _smoothed(
    labels: Labels, log_q: jax.Array, weights: jax.Array | None, label_smoothing: float
) -> jax.Array:
    log_of_class = labels.of(log_q)  # (batch, ...)
    if weights is not None:
        log_of_class = product(weights.reshape(-1)[labels.index], log_of_class)
        log_q = product(jnp.broadcast_to(weights, log_q.shape), log_q)
    return -(1 - label_smoothing) * log_of_class - label_smoothing * jnp.mean(log_q, axis=-1)


def _log_q_of_class(labels: Labels, scores: jax.Array, from_logits: bool) -> jax.Array:
    """Pick the true class before the logarithm is spread over all of them: (batch, ...).

    The numbers are those of `log_softmax`. In a small train step on a CPU it made a quarter less.
    """
    if not from_logits:
        return labels.of(log_of(scores))
    shifted = scores - jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    return labels.of(shifted) - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1))


def _log_q(scores: jax.Array, from_logits: bool) -> jax.Array:
    return jax.nn.log_softmax(scores) if from_logits else log_of(scores)


def _weights(where: str, class_weight: Weights | None, scores: jax.Array) -> jax.Array | None:
    """Return the weights of classes with the rank of the scores, None without."""
    if class_weight is None:
        return None
    given = _options.weights(where, "class_weight", class_weight)
    return _options.spread(where, "class_weight", given, scores)
