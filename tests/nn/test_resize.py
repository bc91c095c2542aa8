"""Resize and Upsample: as `jax.image.resize`; repeating; dtypes; refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

IMAGE = jax.random.normal(jax.random.key(0), (2, 6, 5, 3))
METHODS = ("nearest", "linear", "cubic", "lanczos3", "lanczos5")


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_resize_is_that_of_jax(method: str, antialias: bool) -> None:
    y = nn.Resize((4, 9), method=method, antialias=antialias)(IMAGE)
    expected = jax.image.resize(IMAGE, (2, 4, 9, 3), method, antialias)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [(2, 3), (1, 1), (1.5, 2), (0.5, 0.7)])
def test_upsample_is_that_of_jax(method: str, scale: tuple[float, ...]) -> None:
    sizes = [int(size * by) for size, by in zip((6, 5), scale, strict=True)]
    y = nn.Upsample(scale, method=method)(IMAGE)
    expected = jax.image.resize(IMAGE, (2, *sizes, 3), method)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


def test_repeating_has_the_gradient_of_a_sum() -> None:
    gradient = jax.grad(lambda x: nn.Upsample((2, 3))(x).sum())(IMAGE)
    np.testing.assert_allclose(gradient, np.full(IMAGE.shape, 6.0))


@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
@pytest.mark.parametrize("layer", [nn.Upsample((2, 2)), nn.Resize((4, 6))], ids=["up", "re"])
def test_any_number_of_batch_axes(layer: nn.Resize, batch: tuple[int, ...]) -> None:
    assert layer(jnp.ones((*batch, 2, 3, 5))).shape == (*batch, 4, 6, 5)


def test_dtypes() -> None:
    x = jnp.array([[1], [2]], "int8")
    assert nn.Upsample(2)(x).dtype == nn.Resize(3, method="nearest")(x).dtype == "int8"
    assert nn.Resize(3)(x).dtype == jnp.float32
    half = jnp.linspace(0, 1, 64).reshape(64, 1).astype("bfloat16")
    y = nn.Resize(32)(half)
    assert y.dtype == "bfloat16"
    expected = nn.Resize(32)(half.astype("float32")).astype("bfloat16")
    np.testing.assert_array_equal(y, expected)  # computed in float32


@pytest.mark.parametrize("scale", [0, -1, (), (2, 0), "22", None, float("inf"), float("nan"), True])
def test_scales_are_checked(scale: object) -> None:
    with pytest.raises(ArgumentError, match="`scale` to be a tuple of positive numbers"):
        nn.Upsample(scale)


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`size` to be a tuple of positive integers"):
        nn.Resize((0, 3))
    for layer in (nn.Resize, nn.Upsample):
        with pytest.raises(UnknownNameError, match=r"a method \(one of 'cubic'.*mean 'linear'"):
            layer(2, method="bilinear")
        with pytest.raises(UnknownNameError, match="a method"):
            layer(2, method=None)
        with pytest.raises(ShapeError, match="is one integer"):
            layer(2)(IMAGE)
        with pytest.raises(ShapeError, match="spatial axes of `x` to have at least one position"):
            layer(2)(jnp.ones((0, 1)))
    with pytest.raises(ShapeError, match=r"at least one position along each axis.*make \(0,\)"):
        nn.Upsample(0.3)(jnp.ones((2, 1)))
