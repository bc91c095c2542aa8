"""MaxPool and MinPool under the names of their ranks."""

from __future__ import annotations

from typing import ClassVar

from treexlite.nn._max_pool import MaxPool, MinPool


class MaxPool1D(MaxPool):
    """`MaxPool` over one axis, with any number of batch axes before it.

    `window` has one entry, which may be written as an integer. All else is as in `MaxPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.MaxPool1D(2)(jnp.ones((1, 8, 3))).shape
        (1, 4, 3)

    Reference:
        `MaxPool1d` of PyTorch, `MaxPooling1D` of Keras.
    """

    num_axes: ClassVar[int | None] = 1


class MaxPool2D(MaxPool):
    """`MaxPool` over two axes, with any number of batch axes before them.

    One integer as `window` stands for both axes. All else is as in `MaxPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.MaxPool2D(2)(jnp.ones((1, 8, 8, 3))).shape
        (1, 4, 4, 3)

    Reference:
        `MaxPool2d` of PyTorch, `MaxPooling2D` of Keras.
    """

    num_axes: ClassVar[int | None] = 2


class MaxPool3D(MaxPool):
    """`MaxPool` over three axes, with any number of batch axes before them.

    One integer as `window` stands for all three axes. All else is as in `MaxPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.MaxPool3D(2)(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)

    Reference:
        `MaxPool3d` of PyTorch, `MaxPooling3D` of Keras.
    """

    num_axes: ClassVar[int | None] = 3


class MinPool1D(MinPool):
    """`MinPool` over one axis, with any number of batch axes before it.

    `window` has one entry, which may be written as an integer. All else is as in `MinPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.MinPool1D(2)(jnp.ones((1, 8, 3))).shape
        (1, 4, 3)
    """

    num_axes: ClassVar[int | None] = 1


class MinPool2D(MinPool):
    """`MinPool` over two axes, with any number of batch axes before them.

    One integer as `window` stands for both axes. All else is as in `MinPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.MinPool2D(2)(jnp.ones((1, 8, 8, 3))).shape
        (1, 4, 4, 3)
    """

    num_axes: ClassVar[int | None] = 2


class MinPool3D(MinPool):
    """`MinPool` over three axes, with any number of batch axes before them.

    One integer as `window` stands for all three axes. All else is as in `MinPool`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.MinPool3D(2)(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    num_axes: ClassVar[int | None] = 3
