"""A penalty on distributions that do not decide.

What flows in: scores or probabilities of classes, a row each. What flows out: one number, at least
in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite._kernels import number, optional_axes, widened
from treexlite.regularizers._regularizer import Regularizer

_SMALLEST = 1e-7  # the log of a smaller probability is taken as that of this one, as in losses


class Entropy(Regularizer):
    """Indecision: `strength` times the mean entropy of rows, `-sum p · log p` with p = softmax(w).

    For parameters that choose between alternatives, such as the weights of a mixture: name them
    with `which`. For what a layer puts out (attention weights, a policy) use the function
    `entropy`, and write the result to a `LossLog`.

    Args:
        strength: factor. A negative one rewards indecision.
        axis: the axis over which probabilities sum to 1.
        from_logits: whether the arrays are scores. False: they are probabilities.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number, or `axis` no integer.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> regularizer = tx.regularizers.Entropy(1.0)
        >>> round(float(regularizer(jnp.zeros((5, 2)))), 3)  # the log of 2
        0.693

    Reference:
        Grandvalet and Bengio, Semi-supervised Learning by Entropy Minimization (2004). With a
        negative strength, Pereyra et al., Regularizing Neural Networks by Penalizing Confident
        Output Distributions (2017).
    """

    strength: float
    axis: int
    from_logits: bool

    def __init__(
        self,
        strength: float = 0.01,
        *,
        axis: int = -1,
        from_logits: bool = True,
        which: Filter | None = None,
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.strength = number(where, "strength", strength)
        self.axis = _one_axis(where, axis)
        self.from_logits = bool(from_logits)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `entropy(parameter, strength)` with the options of this regularizer."""
        return entropy(parameter, self.strength, axis=self.axis, from_logits=self.from_logits)


def entropy(
    x: ArrayLike, strength: ArrayLike = 0.01, *, axis: int = -1, from_logits: bool = True
) -> jax.Array:
    """Compute `strength` times the mean entropy of the rows of `x`, in nats.

    Args:
        x: scores, or probabilities that sum to 1 over `axis`.
        strength: factor.
        axis: the axis of the classes.
        from_logits: whether `x` are scores, which softmax makes probabilities.

    Raises:
        ShapeError: `x` does not have the axis.
        ArgumentError: `axis` is no integer.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> sure = jnp.array([[0.0, 1.0], [1.0, 0.0]])
        >>> float(tx.regularizers.entropy(sure, 1.0, from_logits=False))
        0.0
    """
    x = widened(x)
    axis = _one_axis("entropy", axis)
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(
            "entropy",
            expected=f"an array with the axis axis={axis}",
            received=describe(x),
            fix="Name the axis of the classes.",
        )
    if from_logits:
        logs = jax.nn.log_softmax(x, axis=axis)
        x = jnp.exp(logs)
        logs = jnp.where(x == 0, 0, logs)
    else:
        logs = jnp.log(jnp.maximum(x, _SMALLEST))
    entropies = -jnp.sum(x * logs, axis=axis)
    return jnp.sum(entropies) / max(entropies.size, 1) * strength


def _one_axis(where: str, axis: int) -> int:
    axes = optional_axes(where, axis)
    if axes is None or len(axes) != 1:
        raise ArgumentError(
            where,
            expected="`axis` to be one integer",
            received=f"axis={describe(axis)}",
            fix="Name the axis of the classes, for example `axis=-1`.",
        )
    return axes[0]
