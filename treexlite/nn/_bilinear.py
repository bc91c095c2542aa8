"""Bilinear: a form that is linear in each of two inputs.

What flows in: two arrays with the same leading axes. What flows out: these axes, with new features.
Nothing is mutated after `init`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, Parameter, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import along_last, compute_dtype


class Bilinear(Module):
    """Multiply two vectors with one matrix per output: `y[k] = x1 @ kernel[..., k] @ x2 + bias[k]`.

    Args:
        features: size of the last axis of the output. Those of the inputs are learned at `init`.
        use_bias: whether to add `bias`.
        kernel_init: name or function; the default keeps the variance of the product of the inputs.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what the inputs and the
            parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x1: `(..., in_features1)`; x2: `(..., in_features2)`, with the same leading axes; y: `(...,
            features)`; kernel: `(in_features1, in_features2, features)`; bias: `(features,)`.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: `features` or a dtype is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: an input is a scalar, the leading axes differ, or a last axis does not match
            `kernel`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x1, x2 = jnp.array([[1.0, 2.0]]), jnp.array([[1.0, 1.0, 3.0]])
        >>> layer = tx.nn.Bilinear(1, kernel_init="ones").init(0, (x1, x2))
        >>> layer(x1, x2)
        Array([[15.]], dtype=float32)

    Reference:
        `torch.nn.Bilinear`, whose weight has the outputs first, and is drawn uniformly from
        +-1 / sqrt(in_features1).
    """

    kernel: jax.Array = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    features: int = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        features: int,
        *,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.features = positive_int(where, "features", features)
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if not use_bias:
            self.bias = None

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        x1, x2 = as_array(self, x1, "x1"), as_array(self, x2, "x2")
        self._check_leading(x1, x2)
        if self.initializing():
            # The window of a convolution and its channels: both inputs count as fan-in.
            shape = (x1.shape[-1], x2.shape[-1], self.features)
            create(self, "kernel", self.kernel_init, shape, self.param_dtype)
            create(self, "bias", self.bias_init, self.kernel.shape[2:], self.param_dtype)
        self._check_features(x1, x2)
        dtype = compute_dtype(self.dtype, x1, x2, self.kernel, self.bias)
        kernel = self.kernel.astype(dtype)
        y = jnp.einsum("...i,...j,ijk->...k", x1.astype(dtype), x2.astype(dtype), kernel)
        return y if self.bias is None else y + along_last(self.bias.astype(dtype), y)

    def _check_leading(self, x1: jax.Array, x2: jax.Array) -> None:
        if 0 in (x1.ndim, x2.ndim) or x1.shape[:-1] != x2.shape[:-1]:
            raise ShapeError(
                type(self).__name__,
                expected="`x1` and `x2` to have the same axes before the last one",
                received=f"x1={describe(x1)}, x2={describe(x2)}",
                fix="Pass pairs of vectors; broadcast one side with `jnp.broadcast_to`.",
            )

    def _check_features(self, x1: jax.Array, x2: jax.Array) -> None:
        sizes = self.kernel.shape[:2]
        if (x1.shape[-1], x2.shape[-1]) != sizes:
            raise ShapeError(
                type(self).__name__,
                expected=f"the last axes of `x1` and `x2` to be {sizes} (as `kernel` has)",
                received=f"x1={describe(x1)}, x2={describe(x2)}",
                fix=(
                    "Pass features of these sizes, or create a new"
                    f" {type(self).__name__} and `init` it again."
                ),
            )
