"""Losses between classes: how much probability the predictions give to the true class.

What flows in: labels or class probabilities, and one score per class. What flows out: one value per
example, at least in float32. The class axis is always the last one.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError, DataError, ShapeError
from treexlite._samples import On, check_labels
from treexlite.losses._loss import Loss, Reduction

_SMALLEST = 1e-7
"""Probabilities below this count as this, as in Keras, so that no loss is infinite."""


class CrossEntropy(Loss):
    """The surprise at the true class, `cross_entropy` for each example.

    Args:
        from_logits: as in `cross_entropy`.
        label_smoothing: as in `cross_entropy`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `label_smoothing` is not between 0 and 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.CrossEntropy(reduction="none")
        >>> labels, logits = jnp.array([0, 1]), jnp.array([[2.0, 0.0], [0.0, 0.0]])
        >>> loss(labels, logits).round(3)
        Array([0.127, 0.693], dtype=float32)
    """

    from_logits: bool
    label_smoothing: float

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        _check_smoothing(type(self).__name__, label_smoothing)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `cross_entropy(target, preds)` with the options of this loss."""
        return cross_entropy(
            target, preds, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )


def cross_entropy(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Compute the cross-entropy of each example: -sum over classes of p(class) · log q(class).

    p is 1 for the label and 0 elsewhere, or the given probabilities; q is softmax(preds).

    Args:
        target: integer labels, or probabilities of the classes (one-hot among them).
        preds: the score of each class. Their dtype is that of the result, but at least float32.
        from_logits: whether `preds` are logits, any real numbers; the exact and stable form,
            therefore the default. Otherwise they are probabilities, which sum to 1; below 1e-7 they
            count as 1e-7 and have no gradient.
        label_smoothing: the share e of p, in [0, 1], that is spread evenly over all classes:
            p becomes (1 - e) · p + e / classes.

    Shapes:
        target: (batch, ...) or (batch, ..., 1) for labels, (batch, ..., classes) for probabilities.
        preds: (batch, ..., classes).
        returns: (batch, ...).

    Returns:
        One value per example. Labels that are traced cannot be checked; a label without a class
        gives NaN there, so that it cannot go unnoticed.

    Raises:
        ShapeError: the shapes do not fit together, or there are fewer than two classes.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.
        ArgumentError: `label_smoothing` is not between 0 and 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.cross_entropy(jnp.array([1]), jnp.array([[0.0, 0.0]])).round(3)
        Array([0.693], dtype=float32)

    Reference:
        Szegedy et al., "Rethinking the Inception Architecture" (2016), for label smoothing. Keras
        takes probabilities unless told otherwise, and rescales those that do not sum to 1; we do
        not.
    """
    where = "cross_entropy"
    _check_smoothing(where, label_smoothing)
    target, preds = jnp.asarray(target), jnp.asarray(preds)
    _check_classes(where, preds)
    scores = preds.astype(jnp.promote_types(preds.dtype, jnp.float32))
    log_q = jax.nn.log_softmax(scores) if from_logits else _log_of(scores)
    if _are_labels(target, preds):
        labels = _labels(where, target, preds)
        return _from_labels(labels, log_q, label_smoothing)
    if target.shape != preds.shape:
        raise _unfit(where, target, preds)
    p = target.astype(scores.dtype) * (1 - label_smoothing) + label_smoothing / preds.shape[-1]
    return -jnp.sum(_product(p, log_q), axis=-1)


def _from_labels(labels: jax.Array, log_q: jax.Array, label_smoothing: float) -> jax.Array:
    classes = log_q.shape[-1]
    has_class = (labels >= 0) & (labels < classes)
    index = jnp.where(has_class, labels, 0)[..., None]  # (batch, ..., 1)
    loss = -jnp.take_along_axis(log_q, index, axis=-1)[..., 0]  # (batch, ...)
    if label_smoothing:
        loss = (1 - label_smoothing) * loss - label_smoothing * jnp.mean(log_q, axis=-1)
    return jnp.where(has_class, loss, jnp.nan)


def _log_of(probabilities: jax.Array) -> jax.Array:
    """Take the log, bounded below; what is negative is no probability, and stays NaN."""
    is_small = (probabilities >= 0) & (probabilities < _SMALLEST)
    return jnp.log(jnp.where(is_small, _SMALLEST, probabilities))


def _product(p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Multiply, with 0 · log 0 = 0: a class that is ruled out on both sides costs nothing."""
    return p * jnp.where((p == 0) & (log_q == -jnp.inf), 0, log_q)


def _are_labels(target: jax.Array, preds: jax.Array) -> bool:
    if target.ndim == preds.ndim:  # a column of labels has its class axis squeezed away
        return target.shape[-1] == 1
    return target.ndim == preds.ndim - 1


def _labels(where: str, target: jax.Array, preds: jax.Array) -> jax.Array:
    """Return the labels as (batch, ...), checked against the predictions."""
    labels = target[..., 0] if target.ndim == preds.ndim else target
    if labels.shape != preds.shape[:-1]:
        raise _unfit(where, target, preds)
    if not (labels.dtype == bool or jnp.issubdtype(labels.dtype, jnp.integer)):
        raise DataError(
            where,
            expected="labels of an integer dtype, or probabilities in the shape of `preds`",
            received=f"target.shape={target.shape}, target.dtype={target.dtype}",
            fix="Convert the labels with `target.astype(int)`.",
        )
    check_labels(where, labels, preds.shape[-1])
    return labels.astype(jnp.int32)


def _check_classes(where: str, preds: jax.Array) -> None:
    if preds.ndim == 0 or preds.shape[-1] < 2:
        raise ShapeError(
            where,
            expected="one score per class on the last axis of `preds`, for at least 2 classes",
            received=f"preds.shape={preds.shape}",
            fix="Give the model one output per class; a yes-or-no question has two.",
        )


def _unfit(where: str, target: jax.Array, preds: jax.Array) -> ShapeError:
    return ShapeError(
        where,
        expected=(
            f"`target` of shape {preds.shape[:-1]} (labels) or {preds.shape} (probabilities)"
        ),
        received=f"target.shape={target.shape}, preds.shape={preds.shape}",
        fix="Make the leading axes equal; the last axis of `preds` holds the classes.",
    )


def _check_smoothing(where: str, label_smoothing: float) -> None:
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            where,
            expected="`label_smoothing` in [0, 1]",
            received=f"label_smoothing={label_smoothing!r}",
            fix="Use 0 for hard labels; 0.1 is common.",
        )
