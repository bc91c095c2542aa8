"""MaxPool and AvgPool: what a window keeps of the values under it.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with fewer positions. These layers have no data, so they work without `init`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError
from treexlite.nn import _window
from treexlite.nn._arguments import is_int


class _Pool(Module):
    """What the two have in common: the window and how it moves."""

    window: tuple[int, ...] = static()
    one_axis: bool = static()
    strides: tuple[int, ...] = static()
    padding: str | _window.Pairs = static()

    def __init__(
        self,
        window: _window.Sizes,
        *,
        strides: _window.Sizes | None = None,
        padding: _window.Padding = "VALID",
    ) -> None:
        where = type(self).__name__
        self.window = _window.window_sizes(where, "window", window)
        self.one_axis = is_int(window)
        steps = self.window if strides is None else strides
        self.strides = _window.for_each_axis(where, "strides", steps, len(self.window))
        self.padding = _window.padding_of(where, padding, len(self.window))
        self._check_padding()

    def _prepare(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        where = type(self).__name__
        _window.check_rank(where, "window", x, len(self.window), self.one_axis)
        _window.check_fit(where, x, self.window, self.padding)
        return x

    def _reduce(self, x: jax.Array, start: float, combine: Callable[..., Any]) -> jax.Array:
        """Combine the values under each window, beginning with `start`."""
        ones = (1,) * (x.ndim - 1 - len(self.window))
        zeros = ((0, 0),) * len(ones)
        padding = self.padding
        reduced: jax.Array = lax.reduce_window(
            x,
            np.asarray(start, x.dtype),  # NumPy: JAX has to see that it is neutral to differentiate
            combine,
            window_dimensions=(*ones, *self.window, 1),
            window_strides=(*ones, *self.strides, 1),
            padding=padding if isinstance(padding, str) else (*zeros, *padding, (0, 0)),
        )
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


class MaxPool(_Pool):
    """Keep the largest value under each position of a window.

    Args:
        window: size along each spatial axis: `(2, 2)` for images. A plain integer is a window over
            sequences, and refuses inputs of higher rank.
        strides: step of the window; one integer, or one for each axis. None: the size of the
            window, so that windows do not overlap.
        padding: `"VALID"` (only where the window fits), `"SAME"` (output size = input size /
            strides, rounded up), an integer, or for each axis an integer or a pair (before, after).
            What is added never wins.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            channels)`.

    State:
        None.

    Raises:
        ArgumentError: a size is no positive integer, or the padding is as large as the window.
        UnknownNameError: no padding has that name.
        ShapeError: `x` has too few axes, or is smaller than the window.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 4, 1)
        >>> tx.nn.MaxPool((2,))(x).ravel()
        Array([5., 3.], dtype=float32)

    Reference:
        `strides=None` as in Keras and PyTorch; Flax steps by 1.
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._prepare(x)
        return self._reduce(x, _lowest(x.dtype), lax.max)


class AvgPool(_Pool):
    """Average the values under each position of a window.

    Args:
        window: as for `MaxPool`.
        strides: as for `MaxPool`.
        padding: as for `MaxPool`.
        count_include_pad: whether added zeros count as values. By default they do not, so that a
            constant input stays constant at the border.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
        channels)`. Sums are taken in float32 or better; integers give float32.

    State:
        None.

    Raises:
        ArgumentError: a size is no positive integer, or the padding is as large as the window.
        UnknownNameError: no padding has that name.
        ShapeError: `x` has too few axes, or is smaller than the window.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([1.0, 5.0, 2.0]).reshape(1, 3, 1)
        >>> tx.nn.AvgPool((2,), padding="SAME")(x).ravel()
        Array([3., 2.], dtype=float32)

    Reference:
        The default for `count_include_pad` is Keras's; Flax and PyTorch count the padding.
    """

    count_include_pad: bool = static()

    def __init__(
        self,
        window: _window.Sizes,
        *,
        strides: _window.Sizes | None = None,
        padding: _window.Padding = "VALID",
        count_include_pad: bool = False,
    ) -> None:
        super().__init__(window, strides=strides, padding=padding)
        self.count_include_pad = bool(count_include_pad)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._prepare(x)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = self._reduce(wide, 0.0, lax.add) / self._count(wide)
        return mean.astype(x.dtype if jnp.issubdtype(x.dtype, jnp.inexact) else wide.dtype)

    def _count(self, x: jax.Array) -> jax.Array | int:
        """Return how many values each window averages over."""
        if self.count_include_pad or self.padding == "VALID":
            return math.prod(self.window)
        spatial = x.shape[-1 - len(self.window) : -1]
        lead = (1,) * (x.ndim - 1 - len(spatial))
        return self._reduce(jnp.ones((*lead, *spatial, 1), x.dtype), 0.0, lax.add)


def _lowest(dtype: Any) -> float:
    """Return what no value of `dtype` is below."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return -math.inf
    return False if dtype == jnp.bool_ else int(jnp.iinfo(dtype).min)  # type: ignore[no-untyped-call]  # ml_dtypes has no types
