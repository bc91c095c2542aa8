"""Linear: the layer that every other one is modelled on.

What flows in: an array whose last axis holds features. What flows out: the same leading axes with
new features. Nothing is mutated after `init`. The maths is the body of `__call__`.
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


class Linear(Module):
    """Multiply the last axis by a matrix and add a vector: `y = x @ kernel + bias`.

    Args:
        features: size of the last axis of the output. That of the input is learned at `init`.
        use_bias: whether to add `bias`. Leave it out before a normalisation, which has its own.
        kernel_init: name or function; the default keeps the variance of the input.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; kernel: `(in_features, features)`; bias:
            `(features,)`.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: `features` or a dtype is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, or its last axis does not match `kernel`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Linear(2, kernel_init="ones").init(0, jnp.ones((1, 3)))
        >>> layer(jnp.array([[1.0, 2.0, 3.0]]))
        Array([[6., 6.]], dtype=float32)

    Reference:
        Kernel layout and defaults as in Flax's `Dense`. Keras draws the kernel from
        `glorot_uniform`; PyTorch stores it transposed.
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

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        self._check_rank(x)
        if self.initializing():
            self._create(x.shape[-1])
        self._check_features(x)
        dtype = compute_dtype(self.dtype, x, self.kernel, self.bias)
        y = jnp.dot(x.astype(dtype), self.kernel.astype(dtype))  # (..., features)
        return y if self.bias is None else y + along_last(self.bias.astype(dtype), y)

    def _create(self, in_features: int) -> None:
        shape = (in_features, self.features)
        create(self, "kernel", self.kernel_init, shape, self.param_dtype)
        create(self, "bias", self.bias_init, self.kernel.shape[1:], self.param_dtype)

    def _check_rank(self, x: jax.Array) -> None:
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least one axis, the last one for the features",
                received=f"x={describe(x)}",
                fix="Give it an axis: `x[None]`, or `x.reshape(-1, 1)` for a batch of scalars.",
            )

    def _check_features(self, x: jax.Array) -> None:
        in_features = self.kernel.shape[0]
        if x.shape[-1] != in_features:
            raise ShapeError(
                type(self).__name__,
                expected=f"the last axis of `x` to be {in_features} (as `kernel` has)",
                received=f"x={describe(x)}",
                fix=(
                    f"Pass features of size {in_features}, or create a new"
                    f" {type(self).__name__} and `init` it again."
                ),
            )
