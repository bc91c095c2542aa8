"""MaxUnpool: values return to their positions; sizes; refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

IMAGE = jax.random.uniform(jax.random.key(0), (2, 5, 6, 3), minval=0.5)


@pytest.mark.parametrize("batch", [(), (2,), (2, 1), (0,)])
@pytest.mark.parametrize("padding", ["VALID", "SAME", ((1, 0), (0, 1))])
def test_it_undoes_pooling(batch: tuple[int, ...], padding: object) -> None:
    x = np.broadcast_to(IMAGE[0], (*batch, 5, 6, 3))
    pool = nn.MaxPool((2, 3), padding=padding, return_indices=True)
    unpool = nn.MaxUnpool((2, 3), padding=padding)

    @jax.jit
    def there_and_back(x: jax.Array) -> tuple[jax.Array, ...]:
        y, indices = pool(x)
        restored = unpool(y, indices, output_size=(5, 6))
        return y, indices, restored, *pool(restored)

    y, indices, restored, again, where = map(np.asarray, there_and_back(x))
    assert restored.shape == x.shape
    assert ((restored == x) | (restored == 0)).all()
    assert int((restored != 0).sum()) == y.size
    np.testing.assert_array_equal(again, y)
    np.testing.assert_array_equal(where, indices)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [({}, 6), ({"padding": 1}, 4), ({"strides": 1}, 4), ({"padding": "SAME", "strides": 3}, 9)],
)
def test_the_size_without_one(arguments: dict, size: int) -> None:
    y = nn.MaxUnpool(2, **arguments)(jnp.ones((3, 1)), jnp.arange(3).reshape(3, 1))
    np.testing.assert_array_equal(y.ravel(), np.arange(size) < 3)


def test_positions_outside_are_left_out() -> None:
    y = nn.MaxUnpool(2)(jnp.ones((3, 1)), jnp.array([[-1], [1], [6]]))
    np.testing.assert_array_equal(y.ravel(), [0, 1, 0, 0, 0, 0])


def test_the_gradient_is_read_at_the_positions() -> None:
    y, indices = nn.MaxPool((2, 2), return_indices=True)(IMAGE)
    weights = jax.random.normal(jax.random.key(1), (2, 4, 6, 3))
    unpool = nn.MaxUnpool((2, 2))
    indices = indices % 24
    gradient = jax.grad(lambda y: (unpool(y, indices) * weights).sum())(y)
    flat = np.asarray(weights).reshape(2, 24, 3)
    expected = np.take_along_axis(flat, np.asarray(indices).reshape(2, -1, 3), 1)
    np.testing.assert_allclose(gradient.reshape(2, -1, 3), expected, rtol=1e-6)


def test_a_value_found_twice_is_written_once() -> None:
    x = jnp.array([1.0, 3.0, 2.0]).reshape(3, 1)
    y, indices = nn.MaxPool(2, strides=1, return_indices=True)(x)
    assert nn.MaxUnpool(2, strides=1)(y, indices).ravel().tolist() == [0, 3, 0]


def test_what_is_refused() -> None:
    layer, x = nn.MaxUnpool((2, 2)), jnp.ones((2, 2, 3, 1))
    with pytest.raises(ArgumentError, match="expected integer `indices`"):
        layer(x, x)
    with pytest.raises(ShapeError, match=r"`indices` of the shape of `x`, \(2, 2, 3, 1\)"):
        layer(x, jnp.zeros((2, 2, 3), int))
    with pytest.raises(
        ShapeError, match=r"pooled to the spatial shape \(2, 3\).*pooled to \(2, 2\)"
    ):
        layer(x, jnp.zeros(x.shape, int), output_size=(4, 5))
    with pytest.raises(ArgumentError, match="`output_size` to be a positive integer, or 2"):
        layer(x, jnp.zeros(x.shape, int), output_size=(2, 4, 6))
    with pytest.raises(ShapeError, match="2 axes for `window`"):
        layer(jnp.ones((2, 2)), jnp.zeros((2, 2), int))
    with pytest.raises(UnknownNameError, match="a padding"):
        nn.MaxUnpool(2, padding="FULL")
