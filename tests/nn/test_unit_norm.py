"""UnitNorm: lengths of 1, and what happens at length 0."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn._unit_norm import inverse_norm

X = jax.random.normal(jax.random.key(0), (3, 4, 5))


@pytest.mark.parametrize("axes", [-1, (0, -1), [1]])
def test_vectors_have_length_1(axes: int) -> None:
    y = nn.UnitNorm(axes=axes)(X)
    numpy_axes = tuple(axes) if not isinstance(axes, int) else axes
    np.testing.assert_allclose((y**2).sum(numpy_axes), 1, rtol=1e-5)
    np.testing.assert_allclose(y / X, abs(y / X), rtol=1e-6)  # the direction is kept


def test_vectors_of_length_0_stay_and_have_a_finite_gradient() -> None:
    x = jnp.zeros((2, 3))
    layer = nn.UnitNorm(epsilon=1e-3)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_allclose(jax.grad(lambda x: layer(x).sum())(x), np.full((2, 3), 1000.0))


def test_short_vectors_are_divided_by_epsilon() -> None:
    x = jnp.array([3e-3, 4e-3])
    np.testing.assert_allclose(nn.UnitNorm(epsilon=0.5)(x), x / 0.5, rtol=1e-6)
    np.testing.assert_allclose(inverse_norm(x, (0,), 1e-30), [200.0], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32"])
def test_sums_are_in_single_precision(dtype: str) -> None:
    x = jnp.full(4096, 20, dtype)
    y = nn.UnitNorm()(x)
    assert y.dtype == (dtype if dtype != "int32" else "float32")
    np.testing.assert_allclose(np.asarray(y, np.float32), 1 / 64, rtol=1e-2)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"UnitNorm: expected `x` to have the axes axes=\(-1,\)"):
        nn.UnitNorm()(jnp.ones(()))
    with pytest.raises(ArgumentError, match="UnitNorm: expected `epsilon` to be above 0"):
        nn.UnitNorm(epsilon=0)
    with pytest.raises(ArgumentError, match="`axes` to be a tuple of integers"):
        nn.UnitNorm(axes=None)
