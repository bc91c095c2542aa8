"""Activation functions of our own: what is not in the parity tests."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ShapeError

FUNCTIONS: dict[str, Callable[..., jax.Array]] = {
    "gelu_exact": nn.gelu_exact,
    "hard_shrink": nn.hard_shrink,
    "quick_gelu": nn.quick_gelu,
    "relu_squared": nn.relu_squared,
    "soft_shrink": nn.soft_shrink,
    "softmin": nn.softmin,
    "sparsemax": nn.sparsemax,
    "tanh_shrink": nn.tanh_shrink,
    "threshold": lambda x: nn.threshold(x, 0.3),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "int32"])
def test_shape_and_dtype_are_kept(name: str, dtype: str) -> None:
    x = np.array([[-2, 0, 1], [1, 3, -1]], jnp.dtype(dtype))
    inputs = (x, x[0], x[:0], x[None])
    outputs = jax.jit(lambda xs: [FUNCTIONS[name](x) for x in xs])(inputs)
    for given, y in zip(inputs, outputs, strict=True):
        assert y.shape == given.shape
        assert y.dtype == ("float32" if dtype == "int32" else dtype)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_nan_stays(name: str) -> None:
    assert jnp.isnan(FUNCTIONS[name](jnp.array([jnp.nan]))).all()


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    rng = np.random.default_rng(0)
    x = 2 * rng.normal(size=(50, 6)).astype(np.float32)
    y = np.asarray(nn.sparsemax(x))
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)
    assert ((y == 0).sum(-1) > 0).mean() > 0.9
    others = rng.dirichlet(np.ones(6), (200, 1))
    assert (((x - y) ** 2).sum(-1) <= ((x - others) ** 2).sum(-1) + 1e-5).all()


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_sparsemax_has_the_threshold_that_bisection_finds(scale: float) -> None:
    x = np.asarray(scale * jax.random.normal(jax.random.key(3), (7,)), np.float64)
    low, high = x.min() - 1, x.max()
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(x - middle, 0).sum() > 1 else (low, middle)
    y = np.maximum(x - low, 0)
    np.testing.assert_allclose(nn.sparsemax(x), y, atol=1e-5)
    support = (y > 0).astype(float)
    jacobian = np.diag(support) - np.outer(support, support) / support.sum()
    np.testing.assert_allclose(jax.jacobian(nn.sparsemax)(jnp.asarray(x)), jacobian, atol=1e-6)


def test_sparsemax_of_large_equal_and_masked_entries() -> None:
    np.testing.assert_allclose(nn.sparsemax(jnp.full((4,), 1e6)), 0.25)
    masked = jnp.array([1.0, -jnp.inf, 0.5])
    np.testing.assert_allclose(nn.sparsemax(masked), [0.75, 0.0, 0.25])
    gradient = jax.grad(lambda x: nn.sparsemax(x)[0])(masked)
    np.testing.assert_allclose(gradient, [0.5, 0.0, -0.5])


def test_sparsemax_and_softmin_along_other_axes() -> None:
    x = jax.random.normal(jax.random.key(0), (3, 4, 5))
    for function in (nn.sparsemax, nn.softmin):
        expected = function(x.transpose(0, 2, 1)).transpose(0, 2, 1)
        np.testing.assert_allclose(function(x, axis=1), expected, rtol=1e-6)


def test_maxout() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 6, 4))
    np.testing.assert_array_equal(nn.maxout(x, 2), jnp.maximum(x[..., ::2], x[..., 1::2]))
    np.testing.assert_array_equal(nn.maxout(x, 3, axis=1)[:, 0], x[:, :3].max(1))
    np.testing.assert_array_equal(nn.maxout(x, 3, axis=-2), nn.maxout(x, 3, axis=1))
    for pieces, axis in [(3, -1), (0, -1), (2, 3)]:
        with pytest.raises(ShapeError, match=r"maxout: expected `x` to have an axis"):
            nn.maxout(x, pieces, axis)


def test_those_of_jax_are_jax_s() -> None:
    shared = set(nn.__all__) & set(dir(jax.nn)) - {
        "initializers",
        "glu",
    }  # ours refuses what cannot be halved
    assert len(shared) == 27
    for name in shared:
        assert getattr(nn, name) is getattr(jax.nn, name), name
