"""Pooling: what its layers share, which is the window and how it moves.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with fewer positions. These layers have no data, so they work without `init`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError
from treexlite.nn import _window
from treexlite.nn._arguments import is_int
from treexlite.nn._inputs import as_array


class Pool(Module):
    """What pooling layers have in common: the window, its steps and the padding."""

    window: tuple[int, ...] = static()
    one_axis: bool = static()
    strides: tuple[int, ...] = static()
    padding: str | _window.Pairs = static()

    # How many spatial axes a class is for; None: as many as the window has.
    num_axes: ClassVar[int | None] = None

    def __init__(
        self,
        window: _window.Sizes,
        *,
        strides: _window.Sizes | None = None,
        padding: _window.Padding = "VALID",
    ) -> None:
        where = type(self).__name__
        self.window = _window.window_sizes(where, "window", window, self.num_axes)
        self.one_axis = self.num_axes is None and is_int(window)
        steps = self.window if strides is None else strides
        self.strides = _window.for_each_axis(where, "strides", steps, len(self.window))
        self.padding = _window.padding_of(where, padding, len(self.window))
        self._check_padding()

    def _prepare(self, x: Any) -> jax.Array:
        """Return `x` as an array that the window fits on."""
        array = as_array(self, x)
        where = type(self).__name__
        _window.check_rank(where, "window", array, len(self.window), self.one_axis)
        _window.check_fit(where, array, self._extent, self.padding)
        return array

    @property
    def _extent(self) -> tuple[int, ...]:
        """How far the window reaches along each axis."""
        return self.window

    def _over(self, x: jax.Array) -> dict[str, Any]:
        """Return the window, its steps and the padding, for all axes of `x`."""
        ones = (1,) * (x.ndim - 1 - len(self.window))
        zeros = ((0, 0),) * len(ones)
        padding = self.padding
        return {
            "window_dimensions": (*ones, *self.window, 1),
            "window_strides": (*ones, *self.strides, 1),
            "padding": padding if isinstance(padding, str) else (*zeros, *padding, (0, 0)),
        }

    def _reduce(self, x: jax.Array, start: float, combine: Callable[..., Any]) -> jax.Array:
        """Combine the values under each window, beginning with `start`."""
        # From NumPy, because JAX has to see that `start` is neutral to differentiate.
        neutral = np.asarray(start, x.dtype)
        reduced: jax.Array = lax.reduce_window(x, neutral, combine, **self._over(x))
        return reduced

    def _check_padding(self) -> None:
        if isinstance(self.padding, str):
            return
        if any(max(pair) >= size for pair, size in zip(self.padding, self.window, strict=True)):
            raise ArgumentError(
                type(self).__name__,
                expected=f"`padding` to be smaller than the window, {self.window}",
                received=f"padding={self.padding}",
                fix="Pad less, so that every window sees at least one value.",
            )


def wide(x: jax.Array) -> jax.Array:
    """Return `x` in float32 or better, for sums."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def back(y: jax.Array, x: jax.Array) -> jax.Array:
    """Return `y` in the dtype of `x` when that is floating, and as it is when it is not."""
    return y.astype(x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else y
