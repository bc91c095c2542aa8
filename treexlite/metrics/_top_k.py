"""`TopKAccuracy`: the share of examples whose true class is among the likeliest."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, ShapeError
from treexlite._samples import On
from treexlite.metrics import _predictions
from treexlite.metrics._mean import Mean


class TopKAccuracy(Mean):
    """The share of examples whose true class is among the k with the highest scores.

    Of equal scores, that of the earlier class counts as the higher one, as in `argmax`; so k=1 is
    `CategoricalAccuracy`, and no result depends on how a machine sorts.

    Args:
        k: how many classes may be named, at least 1.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ...) or (batch, ..., 1) for labels, else (batch, ..., classes), of which the
            highest is true.
        preds: (batch, ..., classes).
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted number of right predictions, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A prediction with a NaN in it is
        never right. A traced label without a class makes the result NaN.

    Raises:
        ArgumentError: k is no whole number, or below 1; `target` or `preds` is missing.
        ShapeError: there are fewer than k classes, or than 2; `target` and `preds` do not fit
            together.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> scores = jnp.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
        >>> float(tx.metrics.TopKAccuracy(k=2)(jnp.array([1, 0]), scores))
        0.5

    Reference:
        `keras.metrics.TopKCategoricalAccuracy` and `SparseTopKCategoricalAccuracy` count all equal
        scores as the higher ones, so that a constant model is always right; for
        `sklearn.metrics.top_k_accuracy_score` the later class comes first.
    """

    k: int

    def __init__(self, k: int = 5, *, on: On = None, name: str | None = None) -> None:
        if not (_is_whole(k) and k >= 1):
            raise ArgumentError(
                type(self).__name__,
                expected="`k` to be a whole number, at least 1",
                received=f"k={k!r}",
                fix="Say how many classes a prediction may name.",
            )
        self.k = int(k)
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return 1 where the true class is among the first k, otherwise 0, (batch, ...)."""
        where = type(self).__name__
        answers = _predictions.classes(where, target, preds)
        scores = jnp.asarray(preds)
        classes = scores.shape[-1]
        if classes < self.k:
            raise ShapeError(
                where,
                expected=f"scores of at least k={self.k} classes on the last axis of `preds`",
                received=f"preds.shape={scores.shape}",
                fix="Take a smaller `k`; with all classes named, any prediction would be right.",
            )
        label = jnp.clip(answers.true, 0, classes - 1)[..., None]  # (batch, ..., 1)
        score = jnp.take_along_axis(scores, label, axis=-1)
        is_earlier = jax.lax.broadcasted_iota(jnp.int32, scores.shape, scores.ndim - 1) < label
        ahead = jnp.sum((scores > score) | ((scores == score) & is_earlier), axis=-1)
        right = (ahead < self.k) & (answers.predicted >= 0)
        return jnp.where(answers.is_valid, right.astype(jnp.float32), jnp.nan)


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)  # NumPy's count too
