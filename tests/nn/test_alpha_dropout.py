"""AlphaDropout: the values it gives, and the moments it keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

LOWEST = float(jax.nn.selu(jnp.array(-100.0)))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_mean_and_variance_are_kept(rate: float) -> None:
    x = jax.random.normal(jax.random.key(1), (200_000,))
    y = nn.AlphaDropout(rate).init(0)(x)
    # Variance 1, fourth moment below 11 for these rates: five standard errors are 0.011 and 0.036.
    np.testing.assert_allclose(y.mean(), 0, atol=0.016)  # x has an error of its own
    np.testing.assert_allclose(y.var(), 1, atol=0.05)


def test_dropped_values_are_where_selu_ends() -> None:
    rate = 0.3
    x = jnp.linspace(1.0, 2.0, 4000)
    y = np.asarray(nn.AlphaDropout(rate).init(0)(x))
    a = 1 / np.sqrt((1 - rate) * (1 + rate * LOWEST**2))
    b = -a * LOWEST * rate
    dropped = np.isclose(y, a * LOWEST + b, rtol=1e-5)
    np.testing.assert_allclose(dropped.mean(), rate, atol=0.037)  # five standard deviations
    np.testing.assert_allclose(y[~dropped], (a * np.asarray(x) + b)[~dropped], rtol=1e-5)


def test_values_are_replaced_together_along_broadcast_axes() -> None:
    y = nn.AlphaDropout(0.5, broadcast_axes=(1, -2)).init(0)(jnp.ones((8, 4, 4, 16)))
    assert (y == y[:, :1, :1]).all()
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_dtype_is_kept(dtype: str) -> None:
    assert nn.AlphaDropout(0.5).init(0)(jnp.ones(8, dtype)).dtype == dtype


def test_the_axes_are_checked() -> None:
    with pytest.raises(ArgumentError, match="`broadcast_axes` to be a tuple of integers"):
        nn.AlphaDropout(0.5, broadcast_axes=1.5)
    with pytest.raises(ShapeError, match=r"`x` to have the axes broadcast_axes=\(2,\)"):
        nn.AlphaDropout(0.5, broadcast_axes=2).init(0)(jnp.ones((3, 4)))
