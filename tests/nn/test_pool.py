"""MaxPool and AvgPool: written out with NumPy, at borders, for every dtype."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

IMAGE = jax.random.normal(jax.random.key(0), (2, 6, 4, 3))
SEQUENCE = jnp.array([1.0, 5.0, 2.0, 3.0, 4.0]).reshape(1, 5, 1)


def blocks(x: jax.Array) -> np.ndarray:
    """The 2 x 2 windows of an image: (batch, height, width, 4, channels)."""
    batch, height, width, channels = x.shape
    cut = np.asarray(x).reshape(batch, height // 2, 2, width // 2, 2, channels)
    return np.moveaxis(cut, 2, 3).reshape(batch, height // 2, width // 2, 4, channels)


def test_max_is_the_largest_of_each_window() -> None:
    np.testing.assert_array_equal(nn.MaxPool((2, 2))(IMAGE), blocks(IMAGE).max(3))


def test_avg_is_the_mean_of_each_window() -> None:
    np.testing.assert_allclose(nn.AvgPool((2, 2))(IMAGE), blocks(IMAGE).mean(3), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "largest", "average"),
    [
        ({"strides": 1}, [5, 5, 3, 4], [3, 3.5, 2.5, 3.5]),
        ({"strides": 2}, [5, 3], [3, 2.5]),
        ({"padding": "SAME"}, [5, 3, 4], [3, 2.5, 4]),
        ({"padding": 1}, [1, 5, 4], [1, 3.5, 3.5]),
        ({"padding": ((0, 1),), "strides": (1,)}, [5, 5, 3, 4, 4], [3, 3.5, 2.5, 3.5, 4]),
    ],
)
def test_strides_and_padding(arguments: dict, largest: list, average: list) -> None:
    np.testing.assert_array_equal(nn.MaxPool(2, **arguments)(SEQUENCE).ravel(), largest)
    np.testing.assert_allclose(nn.AvgPool(2, **arguments)(SEQUENCE).ravel(), average)


def test_the_padding_counts_when_asked_to() -> None:
    layer = nn.AvgPool(2, padding="SAME", count_include_pad=True)
    np.testing.assert_allclose(layer(SEQUENCE).ravel(), [3, 2.5, 2])


def test_a_constant_stays_constant_at_the_border() -> None:
    x = jnp.full((1, 5, 5, 2), 3.0)
    y = nn.AvgPool((3, 3), strides=1, padding="SAME")(x)
    np.testing.assert_allclose(y, x, rtol=1e-6)


def test_padding_never_wins_over_negative_values() -> None:
    y = nn.MaxPool((3, 3), strides=1, padding="SAME")(-jnp.ones((1, 4, 4, 1)))
    assert (y == -1).all()


@pytest.mark.parametrize("batch", [(), (2,), (2, 3), (0,)])
@pytest.mark.parametrize("pool", [nn.MaxPool, nn.AvgPool])
def test_any_number_of_batch_axes(pool: type, batch: tuple[int, ...]) -> None:
    layer = pool((2, 2), padding="SAME")
    x = jax.random.normal(jax.random.key(1), (*batch, 5, 4, 3))
    y = layer(x)
    assert y.shape == (*batch, 3, 2, 3)
    if batch == (2, 3):
        np.testing.assert_array_equal(y[1, 2], layer(x[1, 2]))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32", "int8", "uint8"])
def test_max_keeps_the_dtype(dtype: str) -> None:
    x = jnp.array([1, 3, 2, 2], dtype).reshape(4, 1)
    y = nn.MaxPool(2, padding="SAME")(x)
    assert y.dtype == dtype
    assert y.ravel().tolist() == [3, 2]


def test_max_of_booleans_is_any() -> None:
    x = jnp.array([[False], [True], [False], [False]])
    assert nn.MaxPool(2)(x).ravel().tolist() == [True, False]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_avg_keeps_the_dtype_and_sums_in_float32(dtype: str) -> None:
    x = jnp.full((4096, 1), 1, dtype)  # in bfloat16, 256 + 1 is 256
    y = nn.AvgPool(4096)(x)
    assert y.dtype == dtype
    assert float(y[0, 0]) == 1


def test_avg_of_integers_is_floating() -> None:
    y = nn.AvgPool(2)(jnp.array([[1], [2]]))
    assert y.dtype == jnp.float32
    assert float(y[0, 0]) == 1.5


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
@pytest.mark.parametrize("pool", [nn.MaxPool, nn.AvgPool])
def test_gradients_are_those_of_finite_differences(pool: type, padding: str) -> None:
    layer = pool((2, 2), padding=padding)

    def loss(x: jax.Array) -> jax.Array:
        return (layer(x) ** 2).sum()

    x = jax.random.normal(jax.random.key(2), (1, 3, 3, 1))
    check_grads(jax.jit(loss), (x,), order=1, modes=("rev",), rtol=2e-2, eps=1e-2)


@pytest.mark.parametrize("pool", [nn.MaxPool, nn.AvgPool])
def test_bad_arguments_and_inputs_are_refused(pool: type) -> None:
    name = pool.__name__
    with pytest.raises(ArgumentError, match=f"{name}: expected `window` to be a tuple of positive"):
        pool((2, 0))
    with pytest.raises(ArgumentError, match="`strides` to be a positive integer, or 2"):
        pool((2, 2), strides=(1,))
    with pytest.raises(UnknownNameError, match=r"a padding \(one of 'SAME', 'VALID'\)"):
        pool((2, 2), padding="CIRCULAR")
    with pytest.raises(ArgumentError, match=r"`padding` to be smaller than the window, \(2, 2\)"):
        pool((2, 2), padding=2)
    with pytest.raises(ShapeError, match="2 axes for `window`"):
        pool((2, 2))(jnp.ones((4, 4)))
    with pytest.raises(ShapeError, match="because `window` is one integer"):
        pool(2)(IMAGE)
    with pytest.raises(ShapeError, match="at least as large as the window"):
        pool((2, 2))(jnp.ones((1, 1, 4, 1)))
