"""AvgPool: what `test_pool` does not say of both pools."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn


@pytest.mark.parametrize("padding", ["VALID", "SAME", 1])
def test_what_is_counted(padding: object) -> None:
    x = jnp.arange(1.0, 6.0).reshape(5, 1)
    counted = nn.AvgPool(2, padding=padding, count_include_pad=True)(x)
    left_out = nn.AvgPool(2, padding=padding)(x)
    values = nn.AvgPool(2, padding=padding)(jnp.ones((5, 1)))
    share = nn.AvgPool(2, padding=padding, count_include_pad=True)(jnp.ones((5, 1)))
    np.testing.assert_allclose(values, jnp.ones_like(values))
    np.testing.assert_allclose(counted, left_out * share, rtol=1e-6)
