"""`CosineSimilarity`: how well the directions of targets and predictions agree.

What flows in: targets and predictions that are vectors. What flows out: one number. What may
mutate: the state of the metric.
"""

from __future__ import annotations

import operator
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite._samples import On
from treexlite.metrics._mean import Mean
from treexlite.metrics._numbers import paired


class CosineSimilarity(Mean):
    """The mean cosine of the angle between target and prediction: mean of t · p / (‖t‖ ‖p‖).

    Args:
        axis: the axis of the vectors, not the first, which holds the examples.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch, ..., features).
        sample_weight: the first axes of those, without `axis`.

    State:
        total: the weighted sum of the cosines, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from -1 to 1; NaN when nothing was seen. A vector of zeros has no
        direction: its cosine is 0, as that of a right angle.

    Raises:
        ArgumentError: `axis` is no whole number or 0; `target` or `preds` is missing.
        ShapeError: the shapes differ, or have no such axis beside that of the examples.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> cosine = tx.metrics.CosineSimilarity()
        >>> target = jnp.array([[1.0, 0.0], [0.0, 2.0]])
        >>> float(cosine(target, jnp.array([[5.0, 0.0], [3.0, 0.0]])))
        0.5

    Reference:
        `keras.metrics.CosineSimilarity`; the loss of that name has the other sign. Vectors are
        scaled by their largest entry first, so that no square underflows or overflows.
    """

    axis: int

    def __init__(self, *, axis: int = -1, on: On = None, name: str | None = None) -> None:
        try:
            self.axis = 0 if isinstance(axis, bool) else operator.index(axis)
        except TypeError:
            self.axis = 0
        if self.axis == 0:
            raise ArgumentError(
                type(self).__name__,
                expected="`axis` to be a whole number, and not that of the examples, 0",
                received=f"axis={describe(axis)}",
                fix="Pass the axis of the features, -1 in most cases.",
            )
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the cosines, (batch, ...)."""
        where = type(self).__name__
        target, preds = paired(where, target, preds)
        rank = target.ndim
        if not -rank < self.axis < rank:
            raise ShapeError(
                where,
                expected=f"vectors along axis={self.axis}, beside the axis of the examples",
                received=f"target.shape={target.shape}, preds.shape={preds.shape}",
                fix="Pass arrays of shape (batch, ..., features).",
            )
        cosines = jnp.sum(_direction(target, self.axis) * _direction(preds, self.axis), self.axis)
        return jnp.clip(cosines, -1, 1)


def _direction(x: jax.Array, axis: int) -> jax.Array:
    """Return the vectors of length 1 in the same directions; 0 where there is none."""
    largest = jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0)
    x = x / jnp.where(largest == 0, 1, largest)
    length = jnp.sqrt(jnp.sum(jnp.square(x), axis=axis, keepdims=True))
    return x / jnp.where(length == 0, 1, length)
