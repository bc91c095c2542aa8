"""Scale and Bias: one learned number for each feature, and nothing else.

What flows in and out: arrays of the same shape. Nothing is mutated after `init`. They are the two
halves of what a normalisation ends with, for use where there is nothing to normalise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, Parameter, static
from treexlite.nn._arguments import int_axes
from treexlite.nn._axes import along, check_sizes, positions_of, sizes_of
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype


class Scale(Module):
    """Multiply with a learned vector: `y = x * scale`.

    Args:
        axes: the axis or axes along which entries have a number of their own; all others share it.
            Negative ones count from the last, and leave the number of batch axes open.
        scale_init: name or function. A small constant suits the end of a residual branch.
        dtype: what to compute in, and the type of the output. None: what `x` and `scale` promote
            to.
        param_dtype: what `scale` is stored in.

    Shapes:
        x, y: `(...)`; scale: the sizes of `x` along `axes`, in their order.

    State:
        None: `scale` changes by training only.

    Raises:
        ArgumentError: `axes` are no integers, or a dtype is no floating one.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` does not have these axes, or in other sizes than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> init = tx.nn.initializers.constant(0.5)
        >>> layer = tx.nn.Scale(scale_init=init).init(0, jnp.ones((1, 2)))
        >>> layer(jnp.array([[1.0, 3.0]]))
        Array([[0.5, 1.5]], dtype=float32)

    Reference:
        The `scale` of `flax.nnx.LayerNorm`. With a small `scale_init` it is LayerScale (Touvron et
        al., Going deeper with image transformers, 2021).
    """

    scale: jax.Array = Parameter.node()
    axes: tuple[int, ...] = static()
    scale_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        *,
        axes: int | Sequence[int] = -1,
        scale_init: str | InitFunction = "ones",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.axes = int_axes(where, "axes", axes)
        self.scale_init = check_initializer(where, "scale_init", scale_init)
        choose_dtypes(self, dtype, param_dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes = positions_of(type(self).__name__, "axes", self.axes, x)
        if self.initializing():
            create(self, "scale", self.scale_init, sizes_of(x, axes), self.param_dtype)
        check_sizes(type(self).__name__, x, axes, "scale", self.scale.shape)
        dtype = compute_dtype(self.dtype, x, self.scale)
        return x.astype(dtype) * along(self.scale.astype(dtype), axes, x)


class Bias(Module):
    """Add a learned vector: `y = x + bias`.

    Args:
        axes: the axis or axes along which entries have a number of their own; all others share it.
            Negative ones count from the last, and leave the number of batch axes open.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and `bias` promote to.
        param_dtype: what `bias` is stored in.

    Shapes:
        x, y: `(...)`; bias: the sizes of `x` along `axes`, in their order.

    State:
        None: `bias` changes by training only.

    Raises:
        ArgumentError: `axes` are no integers, or a dtype is no floating one.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` does not have these axes, or in other sizes than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Bias(axes=(-2, -1), bias_init="ones").init(0, jnp.ones((1, 3, 2)))
        >>> layer.bias.shape, layer(jnp.zeros((1, 3, 2))).sum()
        ((3, 2), Array(6., dtype=float32))

    Reference:
        The `bias` of `flax.nnx.Linear`; along several axes, a learned position embedding.
    """

    bias: jax.Array = Parameter.node()
    axes: tuple[int, ...] = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        *,
        axes: int | Sequence[int] = -1,
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.axes = int_axes(where, "axes", axes)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes = positions_of(type(self).__name__, "axes", self.axes, x)
        if self.initializing():
            create(self, "bias", self.bias_init, sizes_of(x, axes), self.param_dtype)
        check_sizes(type(self).__name__, x, axes, "bias", self.bias.shape)
        dtype = compute_dtype(self.dtype, x, self.bias)
        return x.astype(dtype) + along(self.bias.astype(dtype), axes, x)
