"""Losses between numbers: how far predictions are from targets.

What flows in: targets and predictions of one shape. What flows out: one value per example, at least
in float32, since half precision loses small errors when they are squared and summed.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError
from treexlite.losses._loss import Loss


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
        5.0
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
    target, preds = _alike("mean_squared_error", jnp.asarray(target), jnp.asarray(preds))
    squares = jnp.square(preds - target)
    return jnp.mean(squares, axis=-1) if squares.ndim > 1 else squares


def _alike(where: str, target: jax.Array, preds: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Bring targets and predictions to one shape and one floating dtype."""
    if preds.shape == (*target.shape, 1):
        target = target[..., None]  # (batch,) -> (batch, 1)
    elif target.shape == (*preds.shape, 1):
        preds = preds[..., None]
    if target.shape != preds.shape:
        raise ShapeError(
            where,
            expected="`target` and `preds` of the same shape",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Reshape the targets, or change the number of outputs of the model.",
        )
    dtype = jnp.promote_types(preds.dtype, jnp.float32)
    return target.astype(dtype), preds.astype(dtype)
