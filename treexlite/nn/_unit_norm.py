"""UnitNorm: vectors of length 1, and the division by a length that other layers share."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError
from treexlite.nn._arguments import non_negative
from treexlite.nn._axes import check_axes, resolve_axes
from treexlite.nn._inputs import as_array
from treexlite.nn._promotion import compute_dtype, widened


class UnitNorm(Module):
    """Divide each vector by its Euclidean length.

    `y = x / max(|x|, epsilon)`, with `|x| = sqrt(sum(x²))` over `axes`.

    Args:
        axes: the axis along which a vector lies, or several: negative ones count from the last.
        epsilon: the shortest length that is divided by; vectors of length 0 stay 0, and their
            gradient stays finite.

    Shapes:
        x, y: `(..., features)`.

    State:
        None.

    Raises:
        ArgumentError: `axes` are no integers, or `epsilon` is not positive.
        ShapeError: `x` does not have one of the axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.UnitNorm()(jnp.array([[3.0, 3.0, -3.0, 3.0], [0.0, 0.0, 0.0, 0.0]])).round(2)
        Array([[ 0.5,  0.5, -0.5,  0.5],
               [ 0. ,  0. ,  0. ,  0. ]], dtype=float32)

    Reference:
        Keras's `UnitNormalization`; `torch.nn.functional.normalize` with the same epsilon.
    """

    axes: tuple[int, ...] = static()
    epsilon: float = static()

    def __init__(self, *, axes: int | Sequence[int] = -1, epsilon: float = 1e-12) -> None:
        where = type(self).__name__
        self.axes = check_axes(where, "axes", axes)
        self.epsilon = positive_epsilon(where, epsilon)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes = resolve_axes(type(self).__name__, "axes", self.axes, x)
        wide = widened(x)
        return (wide * inverse_norm(wide, axes, self.epsilon)).astype(compute_dtype(None, x))


def inverse_norm(x: jax.Array, axes: tuple[int, ...], epsilon: float) -> jax.Array:
    """Return `1 / max(|x|, epsilon)` over `axes`, which are kept with size 1.

    The derivative is finite everywhere; that of a square root at 0 is not.
    """
    square = jnp.square(x).sum(axes, keepdims=True)
    long = square > epsilon**2
    return jnp.where(long, lax.rsqrt(jnp.where(long, square, 1)), 1 / epsilon)


def positive_epsilon(where: str, epsilon: float) -> float:
    """Return `epsilon` as a float.

    Raises:
        ArgumentError: it is no positive number.
    """
    value = non_negative(where, "epsilon", epsilon)
    if value == 0:
        raise ArgumentError(
            where,
            expected="`epsilon` to be above 0: vectors of length 0 are divided by it",
            received="epsilon=0",
            fix="Pass a small positive number, for example `epsilon=1e-12`.",
        )
    return value
