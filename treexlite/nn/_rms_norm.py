"""RMSNorm: LayerNorm without the mean.

What flows in and out: an array whose last axis holds features. Nothing is mutated after `init`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite.nn._initializers import InitFunction
from treexlite.nn._inputs import as_array
from treexlite.nn._norm import FeatureNorm
from treexlite.nn._promotion import widened


class RMSNorm(FeatureNorm):
    """Divide each example by the root of the mean of its squares.

    `y = x / sqrt(mean(x²) + epsilon) * scale`, with the mean over `axes`.

    Args:
        axes: what the mean is taken over: one axis or several; negative ones count from the last.
        feature_axes: the axes along which `scale` has an entry for each position. None: the same as
            `axes`.
        epsilon: added to the mean of the squares.
        use_scale: whether to multiply with `scale`.
        scale_init: name or function.
        dtype: type of the output. None: what `x` and `scale` promote to.
        param_dtype: what `scale` is stored in.

    Shapes:
        x, y: `(..., features)`; scale: `(features,)`, or the sizes of `feature_axes` in the order
            of `x`.

    State:
        None: `scale` changes by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, does not have one of the axes, or has another number of
            features than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.RMSNorm().init(0, jnp.ones((1, 4)))
        >>> layer(jnp.array([[0.0, 0.0, 0.0, 6.0]])).round(2)
        Array([[0., 0., 0., 2.]], dtype=float32)

    Reference:
        Zhang and Sennrich, Root Mean Square Layer Normalization (2019). Epsilon as in Flax;
        PyTorch's default is the smallest step of the input's type.
    """

    def __init__(
        self,
        *,
        axes: int | Sequence[int] = -1,
        feature_axes: int | Sequence[int] | None = None,
        epsilon: float = 1e-6,
        use_scale: bool = True,
        scale_init: str | InitFunction = "ones",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            axes=axes,
            feature_axes=feature_axes,
            epsilon=epsilon,
            use_scale=use_scale,
            use_bias=False,
            scale_init=scale_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes, shape = self._prepare(x)
        square = jnp.square(widened(x)).mean(axes, keepdims=True)
        return self._normalize(x, None, square, shape)
