"""Normalisation: what its layers share, and LayerNorm.

What flows in: an array whose last axis holds channels. What flows out: the same shape, with values
brought to mean 0 and variance 1, and then to what training wants. Nothing is mutated here;
`BatchNorm`, which is, has its own file.

Statistics are computed in float32 or better whatever the input is, and in two passes: the variance
is the mean of `(x - mean)²`. The one-pass form `mean(x²) - mean(x)²` loses all digits when the mean
is large.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, Parameter, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import non_negative
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import along_last, compute_dtype


class Norm(Module):
    """What normalisations have in common: `scale`, `bias` and dtypes."""

    scale: jax.Array | None = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    epsilon: float = static()
    scale_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    keeps_float32 = True  # a dtype policy decides about the output only

    def __init__(
        self,
        *,
        epsilon: float,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.epsilon = non_negative(where, "epsilon", epsilon)
        self.scale_init = check_initializer(where, "scale_init", scale_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if not use_scale:
            self.scale = None
        if not use_bias:
            self.bias = None

    def _create(self, channels: int) -> None:
        create(self, "scale", self.scale_init, (channels,), self.param_dtype)
        create(self, "bias", self.bias_init, (channels,), self.param_dtype)

    def _check_channels(self, x: jax.Array, name: str, field: jax.Array | None) -> None:
        """Refuse an `x` whose last axis is not that of the field `name`."""
        if field is not None and x.shape[-1] != field.shape[-1]:
            channels = field.shape[-1]
            raise ShapeError(
                type(self).__name__,
                expected=f"the last axis of `x` to be {channels} (as `{name}` has)",
                received=f"x={describe(x)}",
                fix=(
                    f"Pass an array whose last axis has size {channels}, or create a new"
                    f" {type(self).__name__} and `init` it again."
                ),
            )

    def _check_rank(self, x: jax.Array) -> None:
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least one axis, the last one for the channels",
                received=f"x={describe(x)}",
                fix="Give it an axis: `x[None]`.",
            )

    def _normalize(self, x: jax.Array, mean: jax.Array, var: jax.Array) -> jax.Array:
        """Return `(x - mean) / sqrt(var + epsilon) * scale + bias`; all have the rank of `x`."""
        dtype = compute_dtype(self.dtype, x, self.scale, self.bias)
        factor = lax.rsqrt(var + self.epsilon)
        if self.scale is not None:
            factor = factor * along_last(self.scale, x)
        y = (x - mean) * factor
        if self.bias is not None:
            y = y + along_last(self.bias, x)
        return y.astype(dtype)


class LayerNorm(Norm):
    """Normalise the last axis of each example by itself.

    `y = (x - mean) / sqrt(var + epsilon) * scale + bias`, with mean and variance over the last
    axis.

    Args:
        epsilon: added to the variance.
        use_scale: whether to multiply with `scale`.
        use_bias: whether to add `bias`.
        scale_init: name or function.
        bias_init: name or function.
        dtype: type of the output. None: what `x`, `scale` and `bias` promote to.
        param_dtype: what `scale` and `bias` are stored in.

    Shapes:
        x, y: `(..., features)`; scale, bias: `(features,)`.

    State:
        None: `scale` and `bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, or has another number of features than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.LayerNorm().init(0, jnp.ones((1, 2)))
        >>> layer(jnp.array([[1.0, 3.0]])).round(2)
        Array([[-1.,  1.]], dtype=float32)

    Reference:
        Ba, Kiros and Hinton, Layer Normalization (2016). Epsilon as in Flax; PyTorch's is 1e-5,
        Keras's 1e-3.
    """

    def __init__(
        self,
        *,
        epsilon: float = 1e-6,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            use_scale=use_scale,
            use_bias=use_bias,
            scale_init=scale_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        self._check_rank(x)
        if self.initializing():
            self._create(x.shape[-1])
        self._check_channels(x, "scale", self.scale)
        self._check_channels(x, "bias", self.bias)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = wide.mean(-1, keepdims=True)  # (..., 1)
        var = jnp.square(wide - mean).mean(-1, keepdims=True)
        return self._normalize(x, mean, var)
