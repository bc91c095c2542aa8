"""Losses between numbers: how far predictions are from targets.

What flows in: targets and predictions of one shape. What flows out: one value per example, at least
in float32, since half precision loses small errors when they are squared and summed.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite.losses._loss import Loss
from treexlite.losses._pairs import alike, mean_of_features

_SMALLEST = 1e-7
"""Targets closer to 0 than this count as this when a difference is divided by them, as in Keras."""


class MeanSquaredError(Loss):
    """The mean of the squared differences, `mean_squared_error` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.MeanSquaredError()
        >>> target, preds = jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([[1.0, 3.0], [1.0, 1.0]])
        >>> float(loss(target, preds))
        2.5
        >>> float(loss(target, preds, sample_weight=jnp.array([1, 0])))
        2.5
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `mean_squared_error(target, preds)`."""
        return mean_squared_error(target, preds)


def mean_squared_error(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute the mean squared difference of each example: mean over features of (target - preds)².

    Args:
        target: the true values.
        preds: the predicted values. Their dtype is that of the result, but at least float32.

    Shapes:
        target, preds: (batch, ..., features), or (batch,) when each example is one number. One of
            the two may lack a last axis of size 1.
        returns: (batch, ...); (batch,) for (batch,).

    Raises:
        ShapeError: the shapes differ. They are never broadcast: (batch,) against (batch, 1) would
            compare every example with every other.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.mean_squared_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])).tolist()
        [0.0, 4.0]

    Reference:
        As in Keras, but Keras also averages an only axis, where it then has no place for weights.
    """
    target, preds = alike("mean_squared_error", jnp.asarray(target), jnp.asarray(preds))
    return mean_of_features(jnp.square(preds - target))


class MeanAbsoluteError(Loss):
    """The mean of the absolute differences, `mean_absolute_error` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.MeanAbsoluteError()
        >>> float(loss(jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([[1.0, 3.0], [1.0, 1.0]])))
        1.0
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `mean_absolute_error(target, preds)`."""
        return mean_absolute_error(target, preds)


def mean_absolute_error(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute the mean absolute difference of each example: mean over features of |target - preds|.

    Args:
        target: the true values.
        preds: the predicted values; the gradient is 0 where they are right.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.mean_absolute_error(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])).tolist()
        [0.0, 2.0]

    Reference:
        As in Keras, apart from an only axis; `torch.nn.L1Loss`.
    """
    target, preds = alike("mean_absolute_error", jnp.asarray(target), jnp.asarray(preds))
    return mean_of_features(jnp.abs(preds - target))


class MeanAbsolutePercentageError(Loss):
    """The mean of the differences in percent, `mean_absolute_percentage_error` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.MeanAbsolutePercentageError()
        >>> float(loss(jnp.array([2.0, -4.0]), jnp.array([3.0, -4.0])))
        25.0
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `mean_absolute_percentage_error(target, preds)`."""
        return mean_absolute_percentage_error(target, preds)


def mean_absolute_percentage_error(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute 100 · mean over features of |target - preds| / |target|.

    Args:
        target: the true values. Where they are closer to 0 than 1e-7, 1e-7 divides in their place:
            such a value costs a lot, and the loss is of little use for targets around 0.
        preds: the predicted values.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([2.0, -4.0]), jnp.array([3.0, -4.0])
        >>> tx.losses.mean_absolute_percentage_error(target, preds).tolist()
        [50.0, 0.0]

    Reference:
        As in Keras, apart from an only axis. scikit-learn does not multiply by 100, and divides by
        2.2e-16 at least.
    """
    where = "mean_absolute_percentage_error"
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    shares = jnp.abs(preds - target) / jnp.maximum(jnp.abs(target), _SMALLEST)
    return 100 * mean_of_features(shares)


class MeanSquaredLogarithmicError(Loss):
    """The mean of the squared ratios, as logs: `mean_squared_logarithmic_error` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.MeanSquaredLogarithmicError()
        >>> loss(jnp.array([0.0, 9.0]), jnp.array([0.0, 99.0])).round(3)
        Array(2.651, dtype=float32)
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `mean_squared_logarithmic_error(target, preds)`."""
        return mean_squared_logarithmic_error(target, preds)


def mean_squared_logarithmic_error(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute the mean over features of (log(1 + target) - log(1 + preds))².

    Args:
        target: the true values, such as counts or prices; below 0 they count as 0.
        preds: the predicted values; below 0 they count as 0 and have no gradient, so let the model
            end in something that is positive, such as `softplus`.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([0.0, 9.0]), jnp.array([0.0, 99.0])
        >>> tx.losses.mean_squared_logarithmic_error(target, preds).round(3)
        Array([0.   , 5.302], dtype=float32)

    Reference:
        As in Keras, apart from an only axis; what is below 1e-7 counts as that there. scikit-learn
        takes values above -1.
    """
    where = "mean_squared_logarithmic_error"
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    difference = jnp.log1p(_from_zero(preds)) - jnp.log1p(_from_zero(target))
    return mean_of_features(jnp.square(difference))


def _from_zero(x: jax.Array) -> jax.Array:
    return jnp.where(x < 0, 0, x)
