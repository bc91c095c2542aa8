"""Dropout: noise that keeps a network from leaning on single features.

What flows in and out: one array, of the same shape and dtype. What may mutate: the layer's own key,
which every call in training mode replaces. The key is part of the model, so the masks are the same
eagerly and compiled, and are saved with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from treexlite._core import Initializer, Module, Rng, static
from treexlite._core._random import KeyLike, as_key
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import int_axes, unit_fraction
from treexlite.nn._creation import same_key


class Dropout(Module):
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

    key: jax.Array = Rng.node()
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
        if key is None:
            self.key = Initializer(same_key)  # type: ignore[assignment]  # until `init`
        else:
            self.key = as_key(where, key)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        mask_shape = self._mask_shape(x)
        if not self.training or self.rate == 0:
            return x
        self.key, key = jax.random.split(self.key)
        if self.rate == 1:
            return jnp.zeros_like(x)
        kept = jax.random.bernoulli(key, 1 - self.rate, mask_shape)
        return jnp.where(kept, x / (1 - self.rate), jnp.zeros_like(x))

    def _mask_shape(self, x: jax.Array) -> tuple[int, ...]:
        """Return the shape of `x`, with 1 for the axes along which values are dropped together."""
        if any(not -x.ndim <= axis < x.ndim for axis in self.broadcast_axes):
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` to have the axes broadcast_axes={self.broadcast_axes}",
                received=f"x={describe(x)}",
                fix="Choose axes of the input; negative ones count from the last.",
            )
        shared = {axis % x.ndim for axis in self.broadcast_axes}
        return tuple(1 if axis in shared else size for axis, size in enumerate(x.shape))
