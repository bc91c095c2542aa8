"""LinearGeneral: the sum, its axes, and what it refuses."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 3, 4, 5))


@pytest.mark.parametrize(
    ("axis", "equation"),
    [
        (-1, "abcd,dhk->abchk"),
        (1, "abcd,bhk->acdhk"),
        ((-2, -1), "abcd,cdhk->abhk"),
        ((-1, 0), "abcd,dahk->bchk"),
        ((0, 1, 2, 3), "abcd,abcdhk->hk"),
    ],
)
def test_it_is_the_sum_over_the_axes(axis: Any, equation: str) -> None:
    layer = nn.LinearGeneral((6, 7), axis=axis, bias_init="normal").init(0, X)
    expected = np.einsum(equation, X, layer.kernel) + np.asarray(layer.bias)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-5)


def test_with_one_axis_it_is_linear() -> None:
    layer, linear = nn.LinearGeneral(6).init(0, X), nn.Linear(6).init(0, X)
    linear.kernel = layer.kernel
    np.testing.assert_allclose(layer(X), linear(X), rtol=1e-6)
    assert layer.bias.shape == (6,)


@pytest.mark.parametrize("shape", [(4, 5), (7, 4, 5), (2, 1, 4, 5), (0, 4, 5)])
def test_any_number_of_other_axes(shape: tuple[int, ...]) -> None:
    layer = nn.LinearGeneral((2, 3), axis=(-2, -1)).init(0, X)
    assert layer(jnp.ones(shape)).shape == (*shape[:-2], 2, 3)


def test_the_default_keeps_the_variance() -> None:
    x = jax.random.normal(jax.random.key(1), (200, 20, 20))
    layer = nn.LinearGeneral((10, 10), axis=(1, 2)).init(0, x)
    np.testing.assert_allclose(layer.kernel.std(), 1 / 20, rtol=0.02)
    np.testing.assert_allclose(layer(x).std(), 1, rtol=0.05)


def test_without_bias_there_is_none() -> None:
    layer = nn.LinearGeneral(2, use_bias=False).init(0, X)
    assert list(layer.state_dict()) == ["kernel"]


def test_integers_are_taken_as_numbers() -> None:
    layer = nn.LinearGeneral(2, kernel_init="ones").init(0, jnp.ones(3))
    np.testing.assert_array_equal(layer(np.array([1, 2, 3])), [6.0, 6.0])


def test_other_sizes_and_missing_axes_are_refused() -> None:
    layer = nn.LinearGeneral(2, axis=(-2, -1)).init(0, X)
    with pytest.raises(ShapeError, match=r"axes \(1, 2\) of `x` to have sizes \(4, 5\) \(as `ker"):
        layer(jnp.ones((2, 5, 4)))
    with pytest.raises(ShapeError, match=r"`x` to have the axes axis=\(-2, -1\), each one once"):
        layer(jnp.ones(5))
    with pytest.raises(ShapeError, match=r"the axes axis=\(1, -1\), each one once"):
        nn.LinearGeneral(2, axis=(1, -1)).init(0, jnp.ones((2, 3)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"features": 0}, ArgumentError, "`features` to be an integer of at least 1"),
        ({"features": (2, -1)}, ArgumentError, "`features` to be an integer of at least 1"),
        ({"features": ()}, ArgumentError, "`features` to be a positive integer, or a sequence"),
        ({"features": "ab"}, ArgumentError, "`features` to be a positive integer, or a sequence"),
        ({"axis": ()}, ArgumentError, "`axis` to name at least one axis, and none twice"),
        ({"axis": (1, 1)}, ArgumentError, "`axis` to name at least one axis, and none twice"),
        ({"axis": 1.0}, ArgumentError, "`axis` to be a tuple of integers"),
        ({"kernel_init": "lecun"}, UnknownNameError, "Did you mean 'lecun_"),
        ({"dtype": "int32"}, ArgumentError, "`dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.LinearGeneral(**{"features": 2, **arguments})
