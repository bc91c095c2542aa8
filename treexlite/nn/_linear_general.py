"""LinearGeneral: a linear map from several axes to several others.

What flows in: an array, of which chosen axes are consumed. What flows out: the axes that are left,
and the new ones behind them. Nothing is mutated after `init`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, Parameter, static
from treexlite._errors import ArgumentError, describe
from treexlite.nn._arguments import (
    int_axes,
    is_int,
    positive_int,
)
from treexlite.nn._axes import check_sizes, positions_of, sizes_of
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._matrix import create_as_matrix
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype


class LinearGeneral(Module):
    """Contract some axes with a kernel, and put new ones at the end.

    With `axis=(-2, -1)` and `features=(h, k)`: `y[..., h, k] = sum over i, j of x[..., i, j] *
    kernel[i, j, h, k] + bias[h, k]`.

    Args:
        features: sizes of the new axes; an integer makes one.
        axis: the axis or axes of `x` that are consumed, in the order in which the kernel has them.
        use_bias: whether to add `bias`.
        kernel_init: name or function. It draws the kernel as a matrix from all consumed axes to all
            new ones, so that the default keeps the variance of the input.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(...)`, with at least the consumed axes, `in` for short; y: what is left of x, and
            `features`; kernel: `(*in, *features)`; bias: `features`.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: `features`, `axis` or a dtype is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` does not have these axes, or in other sizes than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> split = tx.nn.LinearGeneral((4, 8)).init(0, jnp.ones((1, 32)))
        >>> join = tx.nn.LinearGeneral(32, axis=(-2, -1)).init(0, jnp.ones((1, 4, 8)))
        >>> split(jnp.ones((5, 32))).shape, join(jnp.ones((5, 4, 8))).shape
        ((5, 4, 8), (5, 32))

    Reference:
        `flax.nnx.LinearGeneral`, which wants the axes in ascending order, without its batch axes;
        `Einsum` has them.
    """

    kernel: jax.Array = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    features: tuple[int, ...] = static()
    axis: tuple[int, ...] = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        features: int | Sequence[int],
        *,
        axis: int | Sequence[int] = -1,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.features = _sizes(where, features)
        self.axis = int_axes(where, "axis", axis)
        if not self.axis or len(set(self.axis)) < len(self.axis):
            raise ArgumentError(
                where,
                expected="`axis` to name at least one axis, and none twice",
                received=f"axis={axis!r}",
                fix="Pass the axes to contract, for example `axis=(-2, -1)`.",
            )
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if not use_bias:
            self.bias = None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes = positions_of(type(self).__name__, "axis", self.axis, x)
        if self.initializing():
            self._create(sizes_of(x, axes))
        num_in = len(axes)
        check_sizes(type(self).__name__, x, axes, "kernel", self.kernel.shape[:num_in])
        dtype = compute_dtype(self.dtype, x, self.kernel, self.bias)
        dimensions = ((axes, tuple(range(num_in))), ((), ()))
        y = lax.dot_general(x.astype(dtype), self.kernel.astype(dtype), dimensions)
        if self.bias is None:
            return y  # (*rest, *features)
        bias = self.bias.astype(dtype)
        return y + bias.reshape((1,) * (y.ndim - bias.ndim) + bias.shape)

    def _create(self, in_sizes: tuple[int, ...]) -> None:
        num_in, shape = len(in_sizes), (*in_sizes, *self.features)
        create_as_matrix(
            self,
            "kernel",
            self.kernel_init,
            shape,
            self.param_dtype,
            in_axes=range(num_in),
            out_axes=range(num_in, len(shape)),
        )
        create(self, "bias", self.bias_init, self.kernel.shape[num_in:], self.param_dtype)


def _sizes(where: str, features: Any) -> tuple[int, ...]:
    if is_int(features):
        return (positive_int(where, "features", features),)
    if not isinstance(features, Sequence) or isinstance(features, str) or not features:
        raise ArgumentError(
            where,
            expected="`features` to be a positive integer, or a sequence of at least one",
            received=f"features={describe(features)}",
            fix="Pass the sizes of the new axes, for example `features=(4, 8)`.",
        )
    return tuple(positive_int(where, "features", size) for size in features)
