"""AdaptiveAvgPool and AdaptiveMaxPool: the windows, written out; dtypes; refusals."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

POOLS = pytest.mark.parametrize(
    ("pool", "reduce"), [(nn.AdaptiveMaxPool, np.max), (nn.AdaptiveAvgPool, np.mean)]
)


@POOLS
@pytest.mark.parametrize("size", [1, 3, 4, 7])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_windows_along_one_axis(pool: type, reduce: np.ufunc, size: int, count: int) -> None:
    x = np.asarray(jax.random.normal(jax.random.key(0), (2, size, 3)))
    cuts = [(i * size // count, math.ceil((i + 1) * size / count)) for i in range(count)]
    expected = np.stack([reduce(x[:, a:b], 1) for a, b in cuts], 1)
    np.testing.assert_allclose(pool((count,))(x), expected, rtol=1e-5, atol=1e-6)


@POOLS
def test_boxes_and_axes_that_are_kept(pool: type, reduce: np.ufunc) -> None:
    x = np.asarray(jax.random.normal(jax.random.key(0), (2, 5, 6, 3)))
    y = pool((3, 4))(x)
    for i, j in itertools.product(range(3), range(4)):
        rows = slice(i * 5 // 3, math.ceil((i + 1) * 5 / 3))
        columns = slice(j * 6 // 4, math.ceil((j + 1) * 6 / 4))
        expected = reduce(x[:, rows, columns], (1, 2))
        np.testing.assert_allclose(y[:, i, j], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        pool((None, 1))(x), reduce(x, 2, keepdims=True), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(pool((None, 6))(x), x)


@POOLS
@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_any_number_of_batch_axes(pool: type, reduce: np.ufunc, batch: tuple[int, ...]) -> None:
    assert pool((2, 3))(jnp.ones((*batch, 5, 6, 4))).shape == (*batch, 2, 3, 4)


def test_dtypes() -> None:
    for dtype in ("bfloat16", "float16"):
        assert nn.AdaptiveAvgPool(2)(jnp.ones((5, 1), dtype)).dtype == dtype
        assert nn.AdaptiveMaxPool(2)(jnp.ones((5, 1), dtype)).dtype == dtype
    assert nn.AdaptiveAvgPool(2)(jnp.ones((5, 1), int)).dtype == jnp.float32
    assert nn.AdaptiveMaxPool(2)(jnp.ones((5, 1), "int8")).dtype == "int8"


@POOLS
@pytest.mark.parametrize("size", [0, (), (0, 2), (1.5,), "77", None, (True,)])
def test_sizes_are_checked(pool: type, reduce: np.ufunc, size: object) -> None:
    with pytest.raises(ArgumentError, match="`output_size` to hold a positive integer or None"):
        pool(size)


@POOLS
def test_inputs_are_checked(pool: type, reduce: np.ufunc) -> None:
    with pytest.raises(ShapeError, match="because `output_size` is one integer"):
        pool(2)(jnp.ones((2, 4, 4, 1)))
    with pytest.raises(ShapeError, match="2 axes for `output_size`"):
        pool((2, 2))(jnp.ones((4, 1)))
    with pytest.raises(ShapeError, match="spatial axes of `x` to have at least one position"):
        pool((2,))(jnp.ones((2, 0, 1)))
