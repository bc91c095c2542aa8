"""LocalResponseNorm: channels that damp their neighbours."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import non_negative, positive_int
from treexlite.nn._inputs import as_array
from treexlite.nn._promotion import compute_dtype, widened


class LocalResponseNorm(Module):
    """Divide each value by the activity of the channels around it.

    `y = x / (k + alpha * mean(x²))**beta`, with the mean over `size` neighbouring channels at the
    same position; beyond the first and the last channel there are zeros.

    Args:
        size: how many channels the mean is over: `size // 2` before, `(size - 1) // 2` after, and
            the channel itself.
        alpha: weight of the mean.
        beta: exponent, at least 0.
        k: what is added; above 0, so that nothing is divided by 0.

    Shapes:
        x, y: `(..., channels)`.

    State:
        None.

    Raises:
        ArgumentError: an argument is outside its range.
        ShapeError: `x` is a scalar.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.LocalResponseNorm(2, alpha=2.0, beta=1.0)
        >>> layer(jnp.array([[1.0, 0.0, -1.0]])).round(2)
        Array([[ 0.5,  0. , -0.5]], dtype=float32)

    Reference:
        Krizhevsky, Sutskever and Hinton (2012), section 3.3, where alpha weighs the sum and not the
        mean; as in PyTorch's `LocalResponseNorm`, with the same defaults.
    """

    size: int = static()
    alpha: float = static()
    beta: float = static()
    k: float = static()

    def __init__(
        self, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ) -> None:
        where = type(self).__name__
        self.size = positive_int(where, "size", size)
        self.alpha = non_negative(where, "alpha", alpha)
        self.beta = non_negative(where, "beta", beta)
        self.k = non_negative(where, "k", k)
        if self.k == 0:
            raise ArgumentError(
                where,
                expected="`k` to be above 0",
                received="k=0",
                fix="Pass a positive number, for example `k=1.0`.",
            )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least one axis, the last one for the channels",
                received=f"x={describe(x)}",
                fix="Give it an axis: `x[None]`.",
            )
        wide = widened(x)
        whole = ((0, 0),) * (x.ndim - 1)
        square = lax.reduce_window(
            jnp.square(wide),
            np.zeros((), wide.dtype),  # an array of JAX would be traced, and no sum any more
            lax.add,
            window_dimensions=(1,) * (x.ndim - 1) + (self.size,),
            window_strides=(1,) * x.ndim,
            padding=(*whole, (self.size // 2, (self.size - 1) // 2)),
        )
        damping = (self.k + self.alpha / self.size * square) ** -self.beta
        y: jax.Array = (wide * damping).astype(compute_dtype(None, x))
        return y
