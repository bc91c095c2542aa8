"""Cosine similarity: whether predictions point where targets point, however long they are.

What flows in: targets and predictions that are vectors along the last axis. What flows out: one
value per example, at least in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite.losses._loss import Loss
from treexlite.losses._pairs import alike_vectors


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between target and prediction, `cosine_similarity`.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.CosineSimilarity()
        >>> float(loss(jnp.array([[1.0, 0.0], [0.0, 2.0]]), jnp.array([[3.0, 0.0], [5.0, 0.0]])))
        -0.5
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `cosine_similarity(target, preds)`."""
        return cosine_similarity(target, preds)


def cosine_similarity(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute -target · preds / (|target| · |preds|): -1 for one direction, 1 for the opposite one.

    Args:
        target: vectors.
        preds: vectors, neither bounded nor of any length.

    Shapes:
        target, preds: (batch, ..., features).
        returns: (batch, ...).

    Returns:
        One value per example. A vector of zeros has no direction: its value is 0, and its gradient
        points to the target.

    Raises:
        ShapeError: the shapes differ, or there is no axis of features.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([[1.0, 0.0], [0.0, 2.0]]), jnp.array([[3.0, 0.0], [3.0, -4]])
        >>> tx.losses.cosine_similarity(target, preds).round(1)
        Array([-1. ,  0.8], dtype=float32)

    Reference:
        The sign is that of Keras, so that less is better. Keras counts lengths below 1e-7 as that
        and optax lets one choose; here lengths are computed relative to the largest entry, so they
        neither overflow nor vanish, and nothing is lost for short vectors.
    """
    target, preds = alike_vectors("cosine_similarity", jnp.asarray(target), jnp.asarray(preds))
    return -jnp.sum(_unit(target) * _unit(preds), axis=-1)


def _unit(x: jax.Array) -> jax.Array:
    """Divide by the length; the scale that comes first cancels, so its gradient is left out."""
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=-1, keepdims=True, initial=0))
    scaled = x / jnp.where(largest > 0, largest, 1)
    square = jnp.sum(jnp.square(scaled), axis=-1, keepdims=True)
    return scaled / jnp.sqrt(jnp.where(square > 0, square, 1))
