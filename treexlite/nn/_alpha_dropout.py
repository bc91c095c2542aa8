"""AlphaDropout: dropout for networks that normalise themselves."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._core._random import KeyLike
from treexlite.nn._arguments import int_axes, unit_fraction
from treexlite.nn._noise import Noise, floating, shared_shape

# What selu approaches for large negative inputs: -scale * alpha.
_DROPPED = -1.0507009873554805 * 1.6732632423543772


class AlphaDropout(Noise):
    """Replace a random part of the values, and keep mean 0 and variance 1.

    Of a selu, "off" is not 0 but its lowest value `c = -1.758`. In training mode each value becomes
    `a * x + b` with probability `q = 1 - rate`, and `a * c + b` otherwise, where `a = 1 / sqrt(q +
    c² * q * (1 - q))` and `b = -a * c * (1 - q)`: inputs of mean 0 and variance 1 keep both. In
    evaluation mode, and with rate 0, the input is returned as it is; with rate 1 all is 0.

    Args:
        rate: the fraction to replace, from 0 to 1.
        broadcast_axes: axes along which values are replaced together: `(1, 2)` replaces whole
            channels of `(batch, height, width, channels)`.
        key: seed or key to start from. None: `init` chooses one, from its seed and the path of the
            layer.

    Shapes:
        x, y: any.

    State:
        key: replaced by each call in training mode, unless the rate is 0.

    Raises:
        ArgumentError: `rate` is not from 0 to 1, or `broadcast_axes` are no integers.
        ShapeError: `x` does not have one of `broadcast_axes`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.AlphaDropout(0.5).init(0)
        >>> sorted({round(value, 3) for value in layer(jnp.zeros(100)).tolist()})
        [-0.779, 0.779]

    Reference:
        Klambauer et al., Self-Normalizing Neural Networks (2017); PyTorch's `AlphaDropout`, and
        with `broadcast_axes` its `FeatureAlphaDropout`.
    """

    rate: float = static()
    broadcast_axes: tuple[int, ...] = static()

    def __init__(
        self,
        rate: float,
        *,
        broadcast_axes: int | Sequence[int] = (),
        key: KeyLike | None = None,
    ) -> None:
        where = type(self).__name__
        self.rate = unit_fraction(where, "rate", rate)
        self.broadcast_axes = int_axes(where, "broadcast_axes", broadcast_axes)
        super().__init__(key)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = floating(self, x)
        shape = shared_shape(type(self).__name__, "broadcast_axes", self.broadcast_axes, x)
        if not self.training or self.rate == 0:
            return x
        key = self._next_key()
        if self.rate == 1:
            return jnp.zeros_like(x)
        kept = jax.random.bernoulli(key, 1 - self.rate, shape)
        a = ((1 - self.rate) * (1 + self.rate * _DROPPED**2)) ** -0.5
        b = -a * _DROPPED * self.rate
        return jnp.where(kept, a * x + b, jnp.full_like(x, a * _DROPPED + b))
