"""MaxPool and MinPool: the one value under a window that is larger, or smaller, than the others.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with fewer positions, and where the values stood when that is asked for.

There are two ways to the same values. XLA's own reduction is the shorter one, and JAX can
differentiate it. It does not say where the value stood, and has no gradient for a dilated window. A
reduction over pairs (value, position) has both, together with a `take` whose gradient is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from treexlite._core import static
from treexlite._errors import ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._pool import Pool

Pair = tuple[jax.Array, jax.Array]


class _Extreme(Pool):
    """What the two have in common: dilation, and positions."""

    dilation: tuple[int, ...] = static()
    return_indices: bool = static()

    def __init__(
        self,
        window: _window.Sizes,
        *,
        strides: _window.Sizes | None = None,
        padding: _window.Padding = "VALID",
        dilation: _window.Sizes = 1,
        return_indices: bool = False,
    ) -> None:
        super().__init__(window, strides=strides, padding=padding)
        where = type(self).__name__
        self.dilation = _window.for_each_axis(where, "dilation", dilation, len(self.window))
        self.return_indices = bool(return_indices)

    @property
    def _extent(self) -> tuple[int, ...]:
        return tuple(d * (k - 1) + 1 for k, d in zip(self.window, self.dilation, strict=True))

    def _keep(
        self,
        x: jax.Array,
        limit: Callable[[Any], float],
        combine: Callable[..., Any],
        wins: Callable[..., jax.Array],
    ) -> jax.Array | Pair:
        """Keep one value of each window.

        Args:
            x: the input.
            limit: returns the value of a dtype that every other one wins against.
            combine: returns the winner of two values.
            wins: whether the first of two values is the winner.
        """
        x = self._prepare(x)
        start = limit(x.dtype)
        dilated = any(step > 1 for step in self.dilation)
        if dilated:
            self._check_seen(x)
        if not dilated and not self.return_indices:
            return self._reduce(x, start, combine)
        indices = self._positions(lax.stop_gradient(x), start, wins)
        flat = _window.merge_spatial_axes(x, len(self.window))
        places = _window.merge_spatial_axes(indices, len(self.window))
        y = jnp.take_along_axis(flat, places, -2, mode="promise_in_bounds").reshape(indices.shape)
        return (y, indices) if self.return_indices else y

    def _positions(self, x: jax.Array, start: float, wins: Callable[..., jax.Array]) -> jax.Array:
        """Return where the value of each window stands; the first one of several equal values."""
        spatial = x.shape[-1 - len(self.window) : -1]
        places = jnp.arange(math.prod(spatial), dtype=jnp.int32).reshape(*spatial, 1)
        places = jnp.broadcast_to(
            places.reshape((1,) * (x.ndim - places.ndim) + places.shape), x.shape
        )
        window = {**self._over(x), "window_dilation": self._dilation_over(x)}

        def better(one: Pair, other: Pair) -> Pair:
            (a, here), (b, there) = one, other
            nan, other_nan = a != a, b != b  # which wins, as in XLA's own reduction
            same = (a == b) | (nan & other_nan)
            first = jnp.where(same, here < there, nan | (wins(a, b) & ~other_nan))
            return jnp.where(first, a, b), jnp.where(first, here, there)

        last = np.asarray(np.iinfo(np.int32).max, np.int32)
        neutral = (np.asarray(start, x.dtype), last)
        _, indices = lax.reduce_window((x, places), neutral, better, **window)
        chosen: jax.Array = indices
        return chosen

    def _dilation_over(self, x: jax.Array) -> tuple[int, ...]:
        return (*(1,) * (x.ndim - 1 - len(self.window)), *self.dilation, 1)

    def _check_seen(self, x: jax.Array) -> None:
        """Refuse inputs on which a dilated window reads nothing but padding."""
        if self.padding == "VALID":
            return
        spatial = x.shape[-1 - len(self.window) : -1]
        pairs = self.padding
        if isinstance(pairs, str):
            pairs = tuple(lax.padtype_to_pads(spatial, self._extent, self.strides, pairs))
        for size, window, step, apart, pair in zip(
            spatial, self.window, self.strides, self.dilation, pairs, strict=True
        ):
            room = size + sum(pair) - apart * (window - 1)
            reads = np.arange(0, room, step)[:, None] + apart * np.arange(window) - pair[0]
            if not ((reads >= 0) & (reads < size)).any(1).all():
                raise ShapeError(
                    type(self).__name__,
                    expected="every window to see at least one value, and not padding alone",
                    received=f"x={describe(x)}, window={self.window}, dilation={self.dilation} and"
                    f" padding={self.padding}",
                    fix="Use a smaller dilation or padding, or pass larger inputs.",
                )


class MaxPool(_Extreme):
    """Keep the largest value under each position of a window.

    Args:
        window: size along each spatial axis: `(2, 2)` for images. A plain integer is a window over
            sequences, and refuses inputs of higher rank.
        strides: step of the window; one integer, or one for each axis. None: the size of the
            window, so that windows do not overlap.
        padding: `"VALID"` (only where the window fits), `"SAME"` (output size = input size /
            strides, rounded up), an integer, or for each axis an integer or a pair (before, after).
            What is added never wins.
        dilation: distance between the positions that the window reads; one integer, or one for each
            axis.
        return_indices: also return where each value stood, as a position among all spatial ones:
            `row * width + column` for images, counted in `x` without its padding, for each example
            and channel by itself. Of several equal values the first one is kept.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            channels)`; indices: as y, int32.

    Returns:
        y, or with `return_indices` the pair (y, indices).

    State:
        None.

    Raises:
        ArgumentError: a size is no positive integer, or the padding is as large as the window.
        UnknownNameError: no padding has that name.
        ShapeError: `x` has too few axes, is smaller than the window, or so small that a dilated
            window sees padding alone.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 4, 1)
        >>> tx.nn.MaxPool((2,))(x).ravel()
        Array([5., 3.], dtype=float32)
        >>> y, indices = tx.nn.MaxPool((2,), return_indices=True)(x)
        >>> indices.ravel()
        Array([1, 3], dtype=int32)

    Reference:
        `strides=None`, dilation and indices as in PyTorch, whose integer padding is at most half
        the window. Keras has no dilation; Flax steps by 1 unless told otherwise.
    """

    def __call__(self, x: jax.Array) -> Any:
        return self._keep(x, _lowest, lax.max, lax.gt)


class MinPool(_Extreme):
    """Keep the smallest value under each position of a window.

    Args:
        window: as for `MaxPool`.
        strides: as for `MaxPool`.
        padding: as for `MaxPool`.
        dilation: as for `MaxPool`.
        return_indices: as for `MaxPool`.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            channels)`; indices: as y, int32.

    Returns:
        y, or with `return_indices` the pair (y, indices).

    State:
        None.

    Raises:
        ArgumentError: as for `MaxPool`.
        UnknownNameError: no padding has that name.
        ShapeError: as for `MaxPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 4, 1)
        >>> tx.nn.MinPool((2,))(x).ravel()
        Array([1., 2.], dtype=float32)

    Reference:
        Flax's `min_pool`, which steps by 1 unless told otherwise.
    """

    def __call__(self, x: jax.Array) -> Any:
        return self._keep(x, _highest, lax.min, lax.lt)


def _lowest(dtype: Any) -> float:
    """Return what no value of `dtype` is below."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return -math.inf
    return False if dtype == jnp.bool_ else int(jnp.iinfo(dtype).min)  # type: ignore[no-untyped-call]  # ml_dtypes has no types


def _highest(dtype: Any) -> float:
    """Return what no value of `dtype` is above."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return math.inf
    return True if dtype == jnp.bool_ else int(jnp.iinfo(dtype).max)  # type: ignore[no-untyped-call]  # ml_dtypes has no types
