"""MaxPool and MinPool: positions, dilation and their gradients, written out with NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

IMAGE = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)


def written_out(
    x: np.ndarray,
    window: tuple[int, int],
    steps: tuple[int, int],
    apart: tuple[int, int],
    sign: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Values and positions of the largest `sign * x`, one window after the other."""
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(x.shape[1:3], window, steps, apart, strict=True)
    ]
    y = np.zeros((len(x), *sizes, x.shape[-1]), np.float32)
    indices = np.zeros(y.shape, int)
    for at in itertools.product(range(len(x)), *map(range, sizes), range(x.shape[-1])):
        best = None
        for inside in itertools.product(*map(range, window)):
            row, column = (at[n + 1] * steps[n] + inside[n] * apart[n] for n in range(2))
            value = x[at[0], row, column, at[-1]]
            if best is None or sign * value > sign * best:
                best = value
                y[at], indices[at] = value, row * x.shape[2] + column
    return y, indices


@pytest.mark.parametrize(("pool", "sign"), [(nn.MaxPool, 1), (nn.MinPool, -1)])
@pytest.mark.parametrize(("steps", "apart"), [((1, 2), (1, 1)), ((2, 1), (2, 3)), ((1, 1), (1, 2))])
def test_values_and_positions(pool: type, sign: int, steps: tuple, apart: tuple) -> None:
    arguments = {"strides": steps, "dilation": apart}
    expected, places = written_out(np.asarray(IMAGE), (3, 2), steps, apart, sign)
    y, indices = tx.jit(pool((3, 2), return_indices=True, **arguments))(IMAGE)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, places)
    assert indices.dtype == jnp.int32
    np.testing.assert_array_equal(tx.jit(pool((3, 2), **arguments))(IMAGE), expected)


@pytest.mark.parametrize("pool", [nn.MaxPool, nn.MinPool])
@pytest.mark.parametrize("padding", ["VALID", "SAME", ((1, 0), (0, 1))])
def test_both_ways_have_the_same_gradient(pool: type, padding: object) -> None:
    short = pool((3, 2), strides=1, padding=padding)
    long = pool((3, 2), strides=1, padding=padding, return_indices=True)
    shape = jax.eval_shape(short, IMAGE).shape
    weights = np.random.default_rng(1).normal(size=shape).astype(np.float32)

    @jax.jit
    def gradients(x: jax.Array) -> list[jax.Array]:
        losses = (lambda x: (long(x)[0] * weights).sum(), lambda x: (short(x) * weights).sum())
        return [jax.grad(loss)(x) for loss in losses]

    np.testing.assert_allclose(*gradients(IMAGE), rtol=1e-5, atol=1e-6)


def test_of_equal_values_the_first_one_is_kept_and_gets_the_gradient() -> None:
    layer = nn.MaxPool((2, 2), return_indices=True)
    x = jnp.zeros((2, 4, 1)).at[0, 1].set(1).at[1, 0].set(1)
    _, indices = layer(x)
    assert indices.ravel().tolist() == [1, 2]
    gradient = jax.grad(lambda x: layer(x)[0].sum())(x)
    assert gradient.ravel().tolist() == [0, 1, 1, 0, 0, 0, 0, 0]
    expected = jax.grad(lambda x: nn.MaxPool((2, 2))(x).sum())(x)
    np.testing.assert_array_equal(gradient, expected)


def test_not_a_number_wins_as_in_the_short_way() -> None:
    x = jnp.array([1.0, jnp.nan, 3.0, 2.0, 4.0, jnp.nan]).reshape(6, 1)
    for pool in (nn.MaxPool, nn.MinPool):
        y, indices = pool(3, return_indices=True)(x)
        np.testing.assert_array_equal(y, pool(3)(x))
        assert indices.ravel().tolist() == [1, 5]


def test_a_window_of_the_lowest_values_has_a_position() -> None:
    y, indices = nn.MaxPool(2, padding="SAME", return_indices=True)(jnp.full((3, 1), -jnp.inf))
    assert y.ravel().tolist() == [-np.inf, -np.inf]
    assert indices.ravel().tolist() == [0, 2]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "uint8", "bool"])
def test_every_dtype(dtype: str) -> None:
    x = jnp.array([0, 1, 1, 1], dtype).reshape(4, 1)
    pools = [
        nn.MaxPool(2, return_indices=True),
        nn.MinPool(2, return_indices=True),
        nn.MinPool(2),
    ]
    outputs = jax.jit(lambda x: [pool(x) for pool in pools])(x)
    (y, indices), (low, places), short = jax.tree.map(np.asarray, outputs)
    assert (y.dtype, y.ravel().tolist(), indices.ravel().tolist()) == (dtype, [1, 1], [1, 2])
    assert (low.dtype, low.ravel().tolist(), places.ravel().tolist()) == (dtype, [0, 1], [0, 2])
    assert short.ravel().tolist() == [0, 1]
    assert short.dtype == dtype


@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_any_number_of_batch_axes(batch: tuple[int, ...]) -> None:
    layer = nn.MaxPool((2, 2), dilation=2, return_indices=True)
    x = np.random.default_rng(1).normal(size=(*batch, 5, 4, 3)).astype(np.float32)
    run = tx.jit(layer)
    y, indices = run(x)
    assert y.shape == indices.shape == (*batch, 2, 1, 3)
    if batch == (2, 3):
        np.testing.assert_array_equal(np.asarray(indices)[1, 2], run(x[1, 2])[1])


def test_under_vmap_jit_and_scan() -> None:
    layer = nn.MaxPool((2, 2), return_indices=True)
    y, indices = layer(IMAGE)
    for mapped in (jax.vmap(layer)(IMAGE), tx.jit(layer)(IMAGE)):
        np.testing.assert_array_equal(mapped[0], y)
        np.testing.assert_array_equal(mapped[1], indices)
    _, (scanned, _) = tx.scan(lambda carry, x: (carry, layer(x)), 0, IMAGE)
    np.testing.assert_array_equal(scanned, y)


def test_a_dilated_window_that_sees_padding_alone_is_refused() -> None:
    layer = nn.MaxPool((2,), dilation=3, padding="SAME")
    with pytest.raises(ShapeError, match="every window to see at least one value"):
        layer(jnp.ones((1, 1)))
    assert layer(jnp.arange(4.0).reshape(4, 1)).shape == (2, 1)
    with pytest.raises(ShapeError, match=r"at least as large as the window, \(4,\)"):
        nn.MaxPool((2,), dilation=3)(jnp.ones((3, 1)))


def test_dilation_is_checked() -> None:
    with pytest.raises(ArgumentError, match="`dilation` to be a positive integer, or 2"):
        nn.MinPool((2, 2), dilation=0)
