"""LPPool: the norm of every order, its borders and its gradient at zero."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

X = jax.random.normal(jax.random.key(0), (2, 6, 3))


@pytest.mark.parametrize("order", [2, 1.5, 4, math.inf])
def test_it_is_the_norm_of_each_window(order: float) -> None:
    blocks = np.asarray(X).reshape(2, 3, 2, 3)
    expected = np.linalg.norm(blocks, order, axis=2)
    np.testing.assert_allclose(nn.LPPool(order, 2)(X), expected, rtol=1e-5)


@pytest.mark.parametrize("order", [1, 3])
def test_odd_orders_keep_the_sign(order: int) -> None:
    total = (np.asarray(X).reshape(2, 3, 2, 3) ** order).sum(2)
    expected = np.sign(total) * np.abs(total) ** (1 / order)
    np.testing.assert_allclose(nn.LPPool(order, 2)(X), expected, rtol=1e-5)


@pytest.mark.parametrize("order", [1, 1.5, 2, 3, math.inf])
def test_the_gradient_of_a_window_of_zeros_is_finite(order: float) -> None:
    gradient = jax.grad(lambda x: nn.LPPool(order, 2)(x).sum())(jnp.zeros((4, 1)))
    assert jnp.isfinite(gradient).all()
    if order in (1.5, 2, 3):
        np.testing.assert_array_equal(gradient, np.zeros((4, 1)))


def test_padding_adds_nothing() -> None:
    y = nn.LPPool(2, 2, padding=1)(jnp.array([[3.0], [4.0]]))
    np.testing.assert_allclose(y.ravel(), [3, 4])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32"])
def test_sums_are_taken_in_float32(dtype: str) -> None:
    y = nn.LPPool(2, 4096)(jnp.ones((4096, 1), dtype))
    assert y.dtype == ("float32" if dtype == "int32" else dtype)
    assert float(y[0, 0]) == 64


@pytest.mark.parametrize("order", [0, 0.5, -1, -math.inf, math.nan, None, "2", True])
def test_orders_that_are_no_norm_are_refused(order: object) -> None:
    with pytest.raises(ArgumentError, match="LPPool: expected `order` to be a number of at least"):
        nn.LPPool(order, 2)


def test_orders_may_be_numbers_of_numpy() -> None:
    assert nn.LPPool(np.float32(2), 2).order == nn.LPPool(np.int64(2), 2).order == 2.0
