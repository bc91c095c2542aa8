"""RMSNorm: the formula, its axes and dtypes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (4, 5, 8)) * 3 + 2


def test_the_formula() -> None:
    layer = nn.RMSNorm(epsilon=1e-3, scale_init="normal").init(0, X)
    x = np.asarray(X, np.float64)
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-3) * np.asarray(layer.scale)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)
    assert layer.bias is None


def test_several_axes() -> None:
    layer = nn.RMSNorm(axes=(1, -1), feature_axes=-1, scale_init="normal").init(0, X)
    x = np.asarray(X, np.float64)
    expected = x / np.sqrt((x**2).mean((1, 2), keepdims=True) + 1e-6) * np.asarray(layer.scale)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)


def test_large_half_precision_inputs_do_not_overflow() -> None:
    x = jnp.full((1, 8), 1000.0, jnp.float16)  # squares beyond float16
    y = nn.RMSNorm(param_dtype=jnp.float16).init(0, x)(x)
    assert y.dtype == jnp.float16
    np.testing.assert_allclose(y, np.ones((1, 8)), rtol=1e-3)


def test_without_scale_there_are_no_parameters() -> None:
    assert nn.RMSNorm(use_scale=False).init(0, X).state_dict() == {}


@pytest.mark.parametrize("shape", [(8,), (0, 8), (2, 3, 4, 8)])
def test_any_number_of_leading_axes(shape: tuple[int, ...]) -> None:
    assert nn.RMSNorm().init(0, jnp.ones(8))(jnp.ones(shape)).shape == shape


def test_wrong_inputs_are_refused() -> None:
    layer = nn.RMSNorm().init(0, X)
    with pytest.raises(ShapeError, match=r"RMSNorm: expected the last axis of `x` to be 8 \(as"):
        layer(jnp.ones((4, 3)))
    with pytest.raises(ShapeError, match="RMSNorm: expected `x` to have at least one axis"):
        layer(jnp.ones(()))
    with pytest.raises(ArgumentError, match="RMSNorm: expected `axes` to name at least one axis"):
        nn.RMSNorm(axes=())
