"""Constraints on each weight by itself.

What flows in: one array. What flows out: the same array with each entry in its range; NaN stays.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._kernels import number, widened
from treexlite.constraints._constraint import Constraint


class NonNegative(Constraint):
    """Weights of at least 0: those below become 0.

    Args:
        which: as in `Constraint`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.NonNegative()(jnp.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]

    Reference:
        As `keras.constraints.NonNeg`; its name "non_neg" is known too.
    """

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `non_negative(parameter)`."""
        return non_negative(parameter)


class ClipWeights(Constraint):
    """Weights from `-clip_value` to `clip_value`: those beyond become the nearest of the two.

    Args:
        clip_value: the largest absolute value, at least 0.
        which: as in `Constraint`. The critic of a Wasserstein GAN has all its parameters clipped:
            `critic.constraint = tx.constraints.ClipWeights(0.01, which=tx.Parameter)`.

    Raises:
        ArgumentError: `clip_value` is no finite number of at least 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.ClipWeights(0.5)(jnp.array([-1.0, 0.25])).tolist()
        [-0.5, 0.25]

    Reference:
        Arjovsky, Chintala and Bottou, Wasserstein GAN (2017), whose value is the default. Keras has
        no such constraint.
    """

    clip_value: float

    def __init__(self, clip_value: float = 0.01, *, which: Filter | None = None) -> None:
        super().__init__(which=which)
        self.clip_value = number(type(self).__name__, "clip_value", clip_value, 0)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `clip_weights(parameter, clip_value)`."""
        return clip_weights(parameter, self.clip_value)


def non_negative(x: ArrayLike) -> jax.Array:
    """Replace what is below 0 by 0.

    Args:
        x: an array.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.non_negative(jnp.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    x = widened(x)
    return jnp.where(x < 0, 0, x)  # not `maximum`, which halves the gradient at 0


def clip_weights(x: ArrayLike, clip_value: ArrayLike = 0.01) -> jax.Array:
    """Bring each entry into the range from `-clip_value` to `clip_value`.

    Args:
        x: an array.
        clip_value: the largest absolute value.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.clip_weights(jnp.array([-1.0, 0.25]), 0.5).tolist()
        [-0.5, 0.25]
    """
    limit = jnp.asarray(clip_value)
    return jnp.clip(widened(x), -limit, limit)
