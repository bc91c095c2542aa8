"""HeadNorm: the root mean square of every head becomes its scale."""

import jax
import jax.numpy as jnp
import numpy as np

from treexlite.nn._head_norm import HeadNorm

X = jax.random.normal(jax.random.key(0), (2, 3, 4, 8)) * 5 + 1


def test_the_root_mean_square_is_the_scale() -> None:
    layer = HeadNorm().init(0, X)
    np.testing.assert_allclose(jnp.sqrt(jnp.square(layer(X)).mean(-1)), 1, rtol=1e-5)
    layer.scale = jnp.arange(8.0)
    root = np.sqrt(np.square(X).mean(-1, keepdims=True))
    np.testing.assert_allclose(layer(X), X / root * np.arange(8), rtol=1e-4, atol=1e-6)
    assert layer.bias is None


def test_half_precision_is_summed_in_single() -> None:
    layer = HeadNorm(param_dtype="bfloat16").init(0, X)
    y = layer((X * 1e3).astype(jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype(jnp.float32), HeadNorm().init(0, X)(X), atol=0.05)
