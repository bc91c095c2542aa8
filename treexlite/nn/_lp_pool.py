"""LPPool: the norm of the values under a window.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with fewer positions.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import static
from treexlite._errors import ArgumentError, describe
from treexlite.nn import _window
from treexlite.nn._pool import Pool, back, wide


class LPPool(Pool):
    """Take the root of the sum of powers under each position of a window.

    `y = (sum of x ** order) ** (1 / order)`. Odd whole orders keep the sign of `x`, so order 1 is
    the sum; all others take `abs(x)`. For order infinity, y is the largest `abs(x)`.

    Args:
        order: of the norm; at least 1.
        window: as for `MaxPool`.
        strides: as for `MaxPool`.
        padding: as for `MaxPool`; what is added is zero.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            channels)`. Sums are taken in float32 or better; integers give float32.

    State:
        None.

    Raises:
        ArgumentError: `order` is below 1, a size is no positive integer, or the padding is as large
            as the window.
        UnknownNameError: no padding has that name.
        ShapeError: `x` has too few axes, or is smaller than the window.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.array([3.0, 4.0, 0.0, -2.0]).reshape(1, 4, 1)
        >>> tx.nn.LPPool(2, (2,))(x).ravel()
        Array([5., 2.], dtype=float32)

    Reference:
        PyTorch's `LPPool1d` to `LPPool3d`, which have no padding. Where the sum is zero the
        gradient is zero; and where a sum for an odd order is negative, y is its real root. There
        PyTorch gives NaN, except for order 1.
    """

    order: float = static()

    def __init__(
        self,
        order: float,
        window: _window.Sizes,
        *,
        strides: _window.Sizes | None = None,
        padding: _window.Padding = "VALID",
    ) -> None:
        value: Any = order
        real = type(value) is not bool and isinstance(value, numbers.Real)
        if not real or not value >= 1:
            raise ArgumentError(
                type(self).__name__,
                expected="`order` to be a number of at least 1, or infinity",
                received=f"order={describe(order)}",
                fix="Pass `order=2` for the Euclidean norm.",
            )
        self.order = float(value)
        super().__init__(window, strides=strides, padding=padding)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._prepare(x)
        return back(self._norm(wide(x)), x)

    def _norm(self, x: jax.Array) -> jax.Array:
        if self.order == math.inf:
            return self._reduce(jnp.abs(x), -math.inf, lax.max)
        if self.order == 1:
            return self._reduce(x, 0.0, lax.add)
        whole = self.order.is_integer()
        powers = x ** int(self.order) if whole else jnp.abs(x) ** self.order
        total = self._reduce(powers, 0.0, lax.add)
        zero = total == 0  # where the root has no slope
        root = jnp.abs(jnp.where(zero, 1.0, total)) ** (1 / self.order)
        return jnp.where(zero, 0.0, jnp.sign(total) * root)


class LPPool1D(LPPool):
    """`LPPool` over one axis, with any number of batch axes before it.

    `window` has one entry, which may be written as an integer. All else is as in `LPPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.LPPool1D(2, 2)(jnp.ones((1, 8, 3))).shape
        (1, 4, 3)

    Reference:
        `LPPool1d` of PyTorch.
    """

    num_axes: ClassVar[int | None] = 1


class LPPool2D(LPPool):
    """`LPPool` over two axes, with any number of batch axes before them.

    One integer as `window` stands for both axes. All else is as in `LPPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.LPPool2D(2, 2)(jnp.ones((1, 8, 8, 3))).shape
        (1, 4, 4, 3)

    Reference:
        `LPPool2d` of PyTorch.
    """

    num_axes: ClassVar[int | None] = 2


class LPPool3D(LPPool):
    """`LPPool` over three axes, with any number of batch axes before them.

    One integer as `window` stands for all three axes. All else is as in `LPPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.LPPool3D(2, 2)(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)

    Reference:
        `LPPool3d` of PyTorch.
    """

    num_axes: ClassVar[int | None] = 3
