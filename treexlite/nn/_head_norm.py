"""HeadNorm: what keeps the queries and keys of each head at one length."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite.nn._norm import Norm
from treexlite.nn._promotion import along_last, compute_dtype


class HeadNorm(Norm):
    """Divide the last axis by its root mean square: `y = x / sqrt(mean(x²) + epsilon) * scale`.

    Args:
        dtype: type of the output. None: what `x` and `scale` promote to.
        param_dtype: what `scale` is stored in.

    Shapes:
        x, y: `(..., head_dim)`; scale: `(head_dim,)`.
    """

    def __init__(self, *, dtype: Any = None, param_dtype: Any = jnp.float32) -> None:
        super().__init__(epsilon=1e-6, use_bias=False, dtype=dtype, param_dtype=param_dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.initializing():
            self._create(x.shape[-1])
        dtype = compute_dtype(self.dtype, x, self.scale)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        factor = lax.rsqrt(jnp.square(wide).mean(-1, keepdims=True) + self.epsilon)
        y = wide * factor
        return (y if self.scale is None else y * along_last(self.scale, x)).astype(dtype)
