"""AvgPool: the mean of the values under a window.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with fewer positions.
"""

from __future__ import annotations

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import static
from treexlite.nn import _window
from treexlite.nn._pool import Pool, back, wide


class AvgPool(Pool):
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
        values = wide(x)
        return back(self._reduce(values, 0.0, lax.add) / self._count(values), x)

    def _count(self, x: jax.Array) -> jax.Array | int:
        """Return how many values each window averages over."""
        if self.count_include_pad or self.padding == "VALID":
            return math.prod(self.window)
        spatial = x.shape[-1 - len(self.window) : -1]
        lead = (1,) * (x.ndim - 1 - len(spatial))
        return self._reduce(jnp.ones((*lead, *spatial, 1), x.dtype), 0.0, lax.add)


class AvgPool1D(AvgPool):
    """`AvgPool` over one axis, with any number of batch axes before it.

    `window` has one entry, which may be written as an integer. All else is as in `AvgPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.AvgPool1D(2)(jnp.ones((1, 8, 3))).shape
        (1, 4, 3)

    Reference:
        `AvgPool1d` of PyTorch, `AveragePooling1D` of Keras.
    """

    num_axes: ClassVar[int | None] = 1


class AvgPool2D(AvgPool):
    """`AvgPool` over two axes, with any number of batch axes before them.

    One integer as `window` stands for both axes. All else is as in `AvgPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.AvgPool2D(2)(jnp.ones((1, 8, 8, 3))).shape
        (1, 4, 4, 3)

    Reference:
        `AvgPool2d` of PyTorch, `AveragePooling2D` of Keras.
    """

    num_axes: ClassVar[int | None] = 2


class AvgPool3D(AvgPool):
    """`AvgPool` over three axes, with any number of batch axes before them.

    One integer as `window` stands for all three axes. All else is as in `AvgPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.AvgPool3D(2)(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)

    Reference:
        `AvgPool3d` of PyTorch, `AveragePooling3D` of Keras.
    """

    num_axes: ClassVar[int | None] = 3
