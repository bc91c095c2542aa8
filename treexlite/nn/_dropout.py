"""Dropout: noise that keeps a network from leaning on single features.

What flows in and out: one array, of the same shape and dtype. What may mutate: the key, as in
every layer of `_noise`.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax

from treexlite._core import static
from treexlite._core._random import KeyLike
from treexlite.nn._arguments import int_axes, unit_fraction
from treexlite.nn._axes import check_axes, find_spatial_axes
from treexlite.nn._noise import Noise, floating, keep_some, shared_shape


class Dropout(Noise):
    """Set a random part of the values to zero, and scale the others up to keep the mean.

    In training mode each value becomes `x / (1 - rate)` with probability `1 - rate`, and 0
    otherwise. In evaluation mode, and with rate 0, the input is returned as it is.

    Args:
        rate: the fraction to drop, from 0 to 1.
        broadcast_axes: axes along which values are dropped together: `(1, 2)` drops whole channels
            of `(batch, height, width, channels)`.
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
        >>> layer = tx.nn.Dropout(0.5).init(0)
        >>> sorted(set(layer(jnp.ones(100)).tolist()))
        [0.0, 2.0]
        >>> layer.eval()(jnp.ones(3))
        Array([1., 1., 1.], dtype=float32)

    Reference:
        Srivastava et al., Dropout (2014), in the inverted form. Freezing does not switch dropout
        off: it fixes what training changes, as in PyTorch, and noise is not among it. Use `eval()`
        for that.
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
        return keep_some(x, self._next_key(), self.rate, shape)


class SpatialDropout(Noise):
    """Drop whole channels of each example, and scale the others up to keep the mean.

    Neighbouring pixels tell nearly the same, so `Dropout` of single values takes little away. In
    training mode each channel becomes `x / (1 - rate)` with probability `1 - rate`, and 0
    otherwise. In evaluation mode, and with rate 0, the input is returned as it is.

    Args:
        rate: the fraction to drop, from 0 to 1.
        spatial_axes: the axes along which values are dropped together. None: all but the first and
            the last, which suits one batch axis; `(-3, -2)` suits images with any number.
        key: seed or key to start from. None: `init` chooses one, from its seed and the path of the
            layer.

    Shapes:
        x, y: `(batch, *spatial, channels)`.

    State:
        key: replaced by each call in training mode, unless the rate is 0.

    Raises:
        ArgumentError: `rate` is not from 0 to 1, or `spatial_axes` are no integers.
        ShapeError: `x` has no spatial axis, or not those named.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.SpatialDropout(0.5).init(0)
        >>> y = layer(jnp.ones((1, 5, 7, 100)))
        >>> bool((y == y[:, :1, :1]).all()), sorted(set(y.ravel().tolist()))
        (True, [0.0, 2.0])

    Reference:
        Tompson et al., Efficient Object Localization Using Convolutional Networks (2015). The same
        for any rank, where Keras has `SpatialDropout1D` to `3D` and PyTorch `Dropout1d` to `3d`.
    """

    rate: float = static()
    spatial_axes: tuple[int, ...] | None = static()

    def __init__(
        self,
        rate: float,
        *,
        spatial_axes: int | Sequence[int] | None = None,
        key: KeyLike | None = None,
    ) -> None:
        where = type(self).__name__
        self.rate = unit_fraction(where, "rate", rate)
        given = spatial_axes is not None
        self.spatial_axes = check_axes(where, "spatial_axes", spatial_axes) if given else None
        super().__init__(key)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = floating(self, x)
        where = type(self).__name__
        axes = find_spatial_axes(where, self.spatial_axes, x)
        if not self.training or self.rate == 0:
            return x
        shape = shared_shape(where, "spatial_axes", axes, x)
        return keep_some(x, self._next_key(), self.rate, shape)
