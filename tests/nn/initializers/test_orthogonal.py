"""Orthogonal initialisers: lengths are kept, and the numbers are JAX's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ShapeError
from treexlite.nn import initializers

KEY = jax.random.key(3)


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 3, 4)])
def test_the_numbers_are_those_of_jax(shape: tuple[int, ...], axis: int) -> None:
    found = initializers.orthogonal(2.0, axis)(KEY, shape, jnp.float32)
    expected = jax.nn.initializers.orthogonal(2.0, axis)(KEY, shape, jnp.float32)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(3, 2, 4), (2, 3, 3, 3), (1, 2, 3, 2, 5)])
def test_those_of_the_delta_too(shape: tuple[int, ...]) -> None:
    found = initializers.delta_orthogonal(0.5)(KEY, shape, jnp.float32)
    expected = jax.nn.initializers.delta_orthogonal(0.5)(KEY, shape, jnp.float32)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("make", [initializers.orthogonal, initializers.delta_orthogonal])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(make: object, dtype: str) -> None:
    value = make()(KEY, (3, 4), dtype)  # type: ignore[operator]  # either factory
    assert value.dtype == dtype
    np.testing.assert_allclose(value @ value.T, np.eye(3), atol=0.05)


def test_a_convolution_keeps_the_length_of_its_input() -> None:
    x = jax.random.normal(KEY, (2, 6, 6, 3))
    conv = nn.Conv(5, (3, 3), kernel_init="delta_orthogonal").init(0, x)
    np.testing.assert_allclose(jnp.sum(conv(x) ** 2), jnp.sum(x**2), rtol=1e-5)


@pytest.mark.parametrize("shape", [(4,), (3, 4, 2)])
def test_a_delta_that_cannot_keep_lengths_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"delta_orthogonal: expected a kernel .* as many"):
        initializers.delta_orthogonal()(KEY, shape, jnp.float32)
