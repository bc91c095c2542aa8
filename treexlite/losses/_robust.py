"""Losses between numbers that large errors do not rule: quadratic near 0, linear far from it.

What flows in: targets and predictions of one shape. What flows out: one value per example, at least
in float32.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._pairs import alike, mean_of_features

_DELTA = "Use the size above which an error is an outlier, such as 1.0."


class Huber(Loss):
    """Half the squared differences up to `delta`, and a line beyond: `huber` for each example.

    Args:
        delta: as in `huber`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `delta` is not a number above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Huber(delta=1.0)
        >>> float(loss(jnp.array([0.0, 0.0]), jnp.array([1.0, 3.0])))
        1.5
    """

    delta: float

    def __init__(
        self,
        *,
        delta: float = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.delta = _options.positive(type(self).__name__, "delta", delta, _DELTA)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `huber(target, preds)` with the option of this loss."""
        return huber(target, preds, delta=self.delta)


def huber(target: ArrayLike, preds: ArrayLike, *, delta: float = 1.0) -> jax.Array:
    """Compute the mean over features of e² / 2, but of delta · (|e| - delta / 2) for |e| > delta.

    Args:
        target: the true values.
        preds: the predicted values; e is the difference.
        delta: where the parabola ends, above 0. No slope is steeper than this.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: `delta` is not a number above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.huber(jnp.array([0.0, 0.0]), jnp.array([1.0, 3.0])).tolist()
        [0.5, 2.5]

    Reference:
        Huber, "Robust Estimation of a Location Parameter" (1964). As in Keras and torch, whose
        `SmoothL1Loss(beta)` is this one divided by `delta`. optax's slope is a difference of
        numbers as large as `delta`, and loses digits by that.
    """
    where = "huber"
    delta = _options.positive(where, "delta", delta, _DELTA)
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    error = preds - target
    size = jnp.abs(error)
    is_small = size <= delta
    near = jnp.square(jnp.where(is_small, error, 0)) / 2
    return mean_of_features(jnp.where(is_small, near, delta * (size - delta / 2)))


class LogCosh(Loss):
    """The log of the hyperbolic cosine of the differences, `log_cosh` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> round(float(tx.losses.LogCosh()(jnp.array([0.0, 0.0]), jnp.array([1.0, 3.0]))), 3)
        1.372
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `log_cosh(target, preds)`."""
        return log_cosh(target, preds)


def log_cosh(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute the mean over features of log(cosh(preds - target)).

    About e² / 2 for small differences e, and |e| - log 2 for large ones; smooth everywhere.

    Args:
        target: the true values.
        preds: the predicted values.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.log_cosh(jnp.array([0.0, 0.0]), jnp.array([0.5, 3.0])).round(3)
        Array([0.12 , 2.309], dtype=float32)

    Reference:
        Keras and optax subtract log 2 from a number close to it, which leaves no digits of small
        differences; here all digits are right.
    """
    target, preds = alike("log_cosh", jnp.asarray(target), jnp.asarray(preds))
    return mean_of_features(_log_cosh(preds - target))


def _log_cosh(x: jax.Array) -> jax.Array:
    """Use cosh x = 1 + 2 sinh²(x / 2) where it is exact, and log(1 + exp(-2|x|)) elsewhere."""
    size = jnp.abs(x)
    is_small = size < 1
    near = jnp.log1p(2 * jnp.square(jnp.sinh(jnp.where(is_small, x, 0) / 2)))
    far = jnp.where(is_small, 1, size)
    return jnp.where(is_small, near, far + jnp.log1p(jnp.exp(-2 * far)) - math.log(2))
