"""MaxUnpool: values go back to where `MaxPool` found them.

What flows in: values and positions, both `(batch, *spatial, channels)`. What flows out: the same
with more positions, zero where no value came from. The layer has no data, so it works without
`init`.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._inputs import as_array
from treexlite.nn._pool import Pool


class MaxUnpool(Pool):
    """Undo `MaxPool`, with zeros in the place of the values that were dropped.

    `MaxPool(w, return_indices=True)(MaxUnpool(w)(y, indices))` is `(y, indices)` again when windows
    do not overlap and the values are positive.

    Args:
        window: that of the `MaxPool`.
        strides: those of the `MaxPool`.
        padding: that of the `MaxPool`.

    Shapes:
        x, indices: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch,
            *output_size, channels)`. Pass `output_size`, the spatial shape that was pooled, when it
            is not the smallest one, `(size - 1) * strides + window - padding`, or for `"SAME"` the
            largest one, `size * strides`.

    State:
        None.

    Raises:
        ArgumentError: a size is no positive integer, the padding is as large as the window, or
            `indices` are no integers.
        UnknownNameError: no padding has that name.
        ShapeError: `x` has too few axes, `indices` has another shape than `x`, or pooling
            `output_size` would not give the positions of `x`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([1.0, 5.0, 2.0, 3.0, 4.0]).reshape(1, 5, 1)
        >>> y, indices = tx.nn.MaxPool((2,), return_indices=True)(x)
        >>> tx.nn.MaxUnpool((2,))(y, indices, output_size=(5,)).ravel()
        Array([0., 5., 0., 3., 0.], dtype=float32)

    Reference:
        `MaxUnpool1d` to `MaxUnpool3d` of PyTorch. When overlapping windows found the same value, it
        is written once, and one of them gets its gradient; there each of them does. Positions
        outside `output_size` are left out; there they are an error.
    """

    def __call__(
        self, x: jax.Array, indices: jax.Array, output_size: tuple[int, ...] | None = None
    ) -> jax.Array:
        x, indices = as_array(self, x), as_array(self, indices, "indices")
        self._check(x, indices)
        num_axes = len(self.window)
        spatial = x.shape[-1 - num_axes : -1]
        sizes = self._sizes(spatial, output_size)
        values, batch = _window.merge_batch_axes(x, num_axes)
        values = _window.merge_spatial_axes(values, num_axes)  # (batch, positions, channels)
        places = indices.reshape(values.shape)
        count = math.prod(sizes)
        places = jnp.where(places < 0, count, places)  # NumPy would count from the end
        examples = jnp.arange(values.shape[0])[:, None, None]
        channels = jnp.arange(values.shape[2])[None, None]
        zeros = jnp.zeros((values.shape[0], count, values.shape[2]), x.dtype)
        y = zeros.at[examples, places, channels].set(values, mode="drop")
        return y.reshape(*batch, *sizes, x.shape[-1])  # (*batch, *output_size, channels)

    def _sizes(self, spatial: tuple[int, ...], output_size: Any) -> tuple[int, ...]:
        """Return the spatial shape of the output."""
        where, num_axes = type(self).__name__, len(self.window)
        if output_size is not None:
            sizes = _window.for_each_axis(where, "output_size", output_size, num_axes)
            self._check_sizes(sizes, spatial)
            return sizes
        if self.padding == "SAME":
            return tuple(size * step for size, step in zip(spatial, self.strides, strict=True))
        pairs = ((0, 0),) * num_axes if isinstance(self.padding, str) else self.padding
        along = zip(spatial, self.strides, self.window, pairs, strict=True)
        return tuple(
            max((size - 1) * step + window - sum(pair), 0) for size, step, window, pair in along
        )

    def _check_sizes(self, sizes: tuple[int, ...], spatial: tuple[int, ...]) -> None:
        pooled = jax.eval_shape(self._pooled, jax.ShapeDtypeStruct((*sizes, 1), jnp.float32))
        if pooled.shape[:-1] != spatial:
            raise ShapeError(
                type(self).__name__,
                expected=f"`output_size` to be one that is pooled to the spatial shape {spatial} of"
                " `x`",
                received=f"output_size={sizes}, which is pooled to {pooled.shape[:-1]}",
                fix="Pass the spatial shape of what was given to `MaxPool`.",
            )

    def _pooled(self, x: jax.Array) -> jax.Array:
        return self._reduce(x, -math.inf, lax.max)

    def _check(self, x: jax.Array, indices: jax.Array) -> None:
        where = type(self).__name__
        _window.check_rank(where, "window", x, len(self.window), self.one_axis)
        if not jnp.issubdtype(indices.dtype, jnp.integer):
            raise ArgumentError(
                where,
                expected="integer `indices`",
                received=f"indices={describe(indices)}",
                fix="Pass those that `MaxPool` returns with `return_indices=True`.",
            )
        if indices.shape != x.shape:
            raise ShapeError(
                where,
                expected=f"`indices` of the shape of `x`, {x.shape}",
                received=f"indices={describe(indices)}",
                fix="Pass those that `MaxPool` returned together with such values.",
            )
