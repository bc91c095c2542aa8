"""LocalResponseNorm: which neighbours count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (3, 4, 7))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 20])
def test_the_formula(size: int) -> None:
    x = np.asarray(X, np.float64)
    padded = np.pad(x**2, [(0, 0), (0, 0), (size // 2, (size - 1) // 2)])
    mean = sum(padded[..., n : n + 7] for n in range(size)) / size
    layer = nn.LocalResponseNorm(size, alpha=0.5, beta=0.6, k=2.0)
    np.testing.assert_allclose(layer(X), x / (2.0 + 0.5 * mean) ** 0.6, rtol=1e-5)


@pytest.mark.parametrize("shape", [(7,), (0, 7), (2, 0), (2, 3, 4, 7)])
def test_any_number_of_leading_axes(shape: tuple[int, ...]) -> None:
    assert nn.LocalResponseNorm(3)(jnp.ones(shape)).shape == shape


def test_half_precision_is_squared_in_single() -> None:
    y = nn.LocalResponseNorm(1, alpha=1.0, beta=0.5)(jnp.full(3, 1000.0, jnp.float16))
    assert y.dtype == jnp.float16
    np.testing.assert_allclose(y, 1.0, rtol=1e-3)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match="LocalResponseNorm: expected `k` to be above 0"):
        nn.LocalResponseNorm(3, k=0)
    with pytest.raises(ArgumentError, match="`size` to be an integer of at least 1"):
        nn.LocalResponseNorm(0)
    with pytest.raises(ArgumentError, match="`beta` to be a finite number of at least 0"):
        nn.LocalResponseNorm(3, beta=-1)
    with pytest.raises(ShapeError, match="LocalResponseNorm: expected `x` to have at least one"):
        nn.LocalResponseNorm(3)(jnp.ones(()))


def test_a_compiled_gradient_is_the_eager_one() -> None:
    x = jnp.linspace(-1.0, 2.0, 12).reshape(2, 6)
    layer = nn.LocalResponseNorm(3, alpha=0.5)
    gradient = jax.grad(lambda x: jnp.square(layer(x)).sum())
    np.testing.assert_allclose(jax.jit(gradient)(x), gradient(x), rtol=1e-5)
