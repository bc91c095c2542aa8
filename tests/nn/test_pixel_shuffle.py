"""PixelShuffle and PixelUnshuffle: the formula, each other's inverse, refusals."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError


def test_the_formula() -> None:
    x = np.asarray(jax.random.normal(jax.random.key(0), (3, 2, 12)))
    y = nn.PixelShuffle(2)(x)
    assert y.shape == (6, 4, 3)
    for h, w, i, j, c in itertools.product(range(3), range(2), range(2), range(2), range(3)):
        assert y[h * 2 + i, w * 2 + j, c] == x[h, w, c * 4 + i * 2 + j]


@pytest.mark.parametrize("batch", [(), (2,), (2, 1), (0,)])
@pytest.mark.parametrize("factor", [(3,), (2, 3), (1, 2, 3), 2])
def test_one_undoes_the_other(factor: object, batch: tuple[int, ...]) -> None:
    factors = (2, 2) if factor == 2 else factor
    spatial = tuple(2 * by for by in factors)
    x = np.random.default_rng(0).normal(size=(*batch, *spatial, 5)).astype(np.float32)
    y = tx.jit(nn.PixelUnshuffle(factor))(x)
    assert y.shape == (*batch, *(2,) * len(spatial), 5 * int(np.prod(factors)))
    np.testing.assert_array_equal(tx.jit(nn.PixelShuffle(factor))(y), x)


def test_what_is_refused() -> None:
    for layer in (nn.PixelShuffle, nn.PixelUnshuffle):
        with pytest.raises(ArgumentError, match="`factor` to be a tuple of positive integers"):
            layer((2, 0))
        with pytest.raises(ShapeError, match="2 axes for `factor`"):
            layer(2)(jnp.ones((4, 4)))
    with pytest.raises(ShapeError, match="its last axis, to be a multiple of 4"):
        nn.PixelShuffle(2)(jnp.ones((4, 4, 6)))
    with pytest.raises(ShapeError, match=r"axes of `x` to be multiples of factor=\(2, 2\)"):
        nn.PixelUnshuffle(2)(jnp.ones((4, 5, 6)))
