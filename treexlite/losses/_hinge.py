"""Hinge losses for yes or no: scores should be on the right side, and by a margin.

What flows in: targets that are -1 or 1, or 0 or 1, and one score for each. What flows out: one
value per example, at least in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._errors import RangeError
from treexlite.losses._loss import Loss
from treexlite.losses._pairs import alike, mean_of_features


class Hinge(Loss):
    """How far scores are from the right side of a margin, `hinge` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.Hinge()(jnp.array([1, 0]), jnp.array([0.5, 0.0])))
        0.75
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `hinge(target, preds)`."""
        return hinge(target, preds)


def hinge(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute the mean over features of max(0, 1 - side · preds), where side is -1 or 1.

    Args:
        target: -1 or 1; 0 is the same as -1.
        preds: scores, any real numbers, above 0 for 1.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Returns:
        One value per example. Targets that are traced cannot be checked; any other than -1, 0 and 1
        gives NaN.

    Raises:
        ShapeError: the shapes differ.
        RangeError: a target is neither -1, 0 nor 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.hinge(jnp.array([1, 0, -1]), jnp.array([0.5, 0.0, -9.0])).tolist()
        [0.5, 1.0, 0.0]

    Reference:
        As in Keras, which asks whether a whole batch is 0 and 1 before it takes 0 for -1, and takes
        any other target as it is.
    """
    return mean_of_features(_distance("hinge", target, preds))


class SquaredHinge(Loss):
    """The squared distance from the right side of a margin, `squared_hinge` for each example.

    Args:
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.SquaredHinge()(jnp.array([1, 0]), jnp.array([0.5, 0.0])))
        0.625
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `squared_hinge(target, preds)`."""
        return squared_hinge(target, preds)


def squared_hinge(target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Compute the mean over features of max(0, 1 - side · preds)², where side is -1 or 1.

    Args:
        target: as in `hinge`.
        preds: as in `hinge`.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Returns:
        As in `hinge`.

    Raises:
        ShapeError: the shapes differ.
        RangeError: a target is neither -1, 0 nor 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.squared_hinge(jnp.array([1, 0, -1]), jnp.array([0.5, 0.0, 2.0])).tolist()
        [0.25, 1.0, 9.0]

    Reference:
        As in Keras, apart from what `hinge` says of targets.
    """
    return mean_of_features(jnp.square(_distance("squared_hinge", target, preds)))


def _distance(where: str, target: ArrayLike, preds: ArrayLike) -> jax.Array:
    """Return max(0, 1 - side · preds) of each target, NaN for a traced one without a side."""
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    if not isinstance(target, jax.core.Tracer):
        others = np.setdiff1d(np.asarray(target), [-1, 0, 1])
        if others.size:
            raise RangeError(
                where,
                expected="`target` to hold -1 and 1, or 0 and 1",
                received=f"{', '.join(map(str, others[:3].tolist()))} among them",
                fix="Give the side of each example; classes numbered from 0 go to `MultiMargin`.",
            )
    side = jnp.where(target == 0, -1, target)
    return jnp.where(jnp.abs(side) == 1, jnp.maximum(0, 1 - side * preds), jnp.nan)
