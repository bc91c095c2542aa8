"""GaussianNoise and GaussianDropout: normally distributed noise, added and multiplied."""

from __future__ import annotations

import jax

from treexlite._core import static
from treexlite._core._random import KeyLike
from treexlite._errors import ArgumentError
from treexlite.nn._arguments import non_negative, unit_fraction
from treexlite.nn._noise import Noise, floating
from treexlite.nn._promotion import widened


class GaussianNoise(Noise):
    """Add normally distributed noise to every value.

    In training mode `y = x + stddev * n`, with `n` of mean 0 and variance 1, drawn anew for every
    value. In evaluation mode, and with `stddev=0`, the input is returned as it is.

    Args:
        stddev: standard deviation of the noise, at least 0.
        key: seed or key to start from. None: `init` chooses one, from its seed and the path of the
            layer.

    Shapes:
        x, y: any.

    State:
        key: replaced by each call in training mode, unless `stddev` is 0.

    Raises:
        ArgumentError: `stddev` is negative or not finite.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.GaussianNoise(0.1).init(0)
        >>> x = jnp.ones(3)
        >>> bool((layer(x) != x).all()), layer.eval()(x)
        (True, Array([1., 1., 1.], dtype=float32))

    Reference:
        Keras's `GaussianNoise`.
    """

    stddev: float = static()

    def __init__(self, stddev: float, *, key: KeyLike | None = None) -> None:
        self.stddev = non_negative(type(self).__name__, "stddev", stddev)
        super().__init__(key)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = floating(self, x)
        if not self.training or self.stddev == 0:
            return x
        return (x + self.stddev * _normal(self._next_key(), x)).astype(x.dtype)


class GaussianDropout(Noise):
    """Multiply every value by normally distributed noise around 1.

    In training mode `y = x * (1 + sqrt(rate / (1 - rate)) * n)`, with `n` of mean 0 and variance 1:
    the mean and variance of `Dropout` with the same rate, but no value is lost. In evaluation mode,
    and with rate 0, the input is returned as it is.

    Args:
        rate: as that of `Dropout`; below 1, where the variance becomes infinite.
        key: seed or key to start from. None: `init` chooses one, from its seed and the path of the
            layer.

    Shapes:
        x, y: any.

    State:
        key: replaced by each call in training mode, unless the rate is 0.

    Raises:
        ArgumentError: `rate` is not from 0 to below 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.GaussianDropout(0.2).init(0)
        >>> y = layer(jnp.ones(10_000))  # standard deviation sqrt(0.2 / 0.8)
        >>> y.mean().round(1), y.std().round(1)
        (Array(1., dtype=float32), Array(0.5, dtype=float32))

    Reference:
        Srivastava et al., Dropout (2014), section 10; Keras's `GaussianDropout`, which gives NaN at
        rate 1.
    """

    rate: float = static()

    def __init__(self, rate: float, *, key: KeyLike | None = None) -> None:
        where = type(self).__name__
        self.rate = unit_fraction(where, "rate", rate)
        if self.rate == 1:
            raise ArgumentError(
                where,
                expected="`rate` to be below 1, where the variance of the noise becomes infinite",
                received=f"rate={rate}",
                fix="Pass a smaller fraction, for example `rate=0.5`.",
            )
        super().__init__(key)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = floating(self, x)
        if not self.training or self.rate == 0:
            return x
        stddev = (self.rate / (1 - self.rate)) ** 0.5
        y: jax.Array = x * (1 + stddev * _normal(self._next_key(), x))
        return y.astype(x.dtype)


def _normal(key: jax.Array, x: jax.Array) -> jax.Array:
    """Draw for every value of `x`, in its own type, but float32 at least."""
    return jax.random.normal(key, x.shape, widened(x).dtype)
