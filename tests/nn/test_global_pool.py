"""GlobalMaxPool and GlobalAvgPool: which axes are reduced, and in which type."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

IMAGE = jax.random.normal(jax.random.key(0), (2, 6, 4, 3))
POOLS = pytest.mark.parametrize(
    ("pool", "reduce"), [(nn.GlobalMaxPool, np.max), (nn.GlobalAvgPool, np.mean)]
)


@POOLS
def test_all_axes_but_the_first_and_the_last(pool: type, reduce: np.ufunc) -> None:
    expected = reduce(np.asarray(IMAGE), (1, 2))
    np.testing.assert_allclose(pool()(IMAGE), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        pool(keepdims=True)(IMAGE), expected[:, None, None], rtol=1e-5, atol=1e-7
    )
    assert pool()(jnp.ones((2, 7, 3))).shape == (2, 3)
    assert pool()(jnp.ones((0, 7, 3))).shape == (0, 3)


@POOLS
@pytest.mark.parametrize(("num_axes", "shape"), [(1, (2, 6, 3)), (2, (2, 3)), (3, (3,))])
def test_a_number_of_axes(pool: type, reduce: np.ufunc, num_axes: int, shape: tuple) -> None:
    assert pool(num_axes=num_axes)(IMAGE).shape == shape
    axes = tuple(range(3 - num_axes, 3))
    expected = reduce(np.asarray(IMAGE), axes)
    np.testing.assert_allclose(pool(num_axes=num_axes)(IMAGE), expected, rtol=1e-5, atol=1e-6)


def test_dtypes() -> None:
    x = jnp.ones((1, 4096, 1), "bfloat16")
    assert nn.GlobalAvgPool()(x).dtype == "bfloat16"
    assert float(nn.GlobalAvgPool()(x)[0, 0]) == 1
    assert nn.GlobalAvgPool()(jnp.ones((1, 3, 1), int)).dtype == jnp.float32
    assert nn.GlobalMaxPool()(jnp.ones((1, 3, 1), "int8")).dtype == "int8"


@POOLS
def test_what_is_refused(pool: type, reduce: np.ufunc) -> None:
    with pytest.raises(ArgumentError, match="`num_axes` to be an integer of at least 1"):
        pool(num_axes=0)
    with pytest.raises(ShapeError, match=r"`x` of shape \(batch, \*spatial, channels\).*num_axes"):
        pool()(jnp.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"`x` of shape \(2 spatial axes, channels\)"):
        pool(num_axes=2)(jnp.ones((2, 3)))
    with pytest.raises(ShapeError, match="spatial axes of `x` to have at least one position"):
        pool()(jnp.ones((2, 0, 3)))
