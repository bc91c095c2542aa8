"""Pad, ZeroPad and Crop: as NumPy; one undoes the other; refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

IMAGE = jax.random.normal(jax.random.key(0), (2, 4, 5, 3))
AMOUNTS = ((1, 2), (0, 3))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_it_is_the_pad_of_numpy(mode: str) -> None:
    expected = np.pad(np.asarray(IMAGE), ((0, 0), *AMOUNTS, (0, 0)), mode)
    np.testing.assert_array_equal(nn.Pad(AMOUNTS, mode)(IMAGE), expected)


@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_any_number_of_batch_axes_and_what_crop_undoes(batch: tuple[int, ...]) -> None:
    x = jnp.broadcast_to(IMAGE[0], (*batch, 4, 5, 3))
    for layer in (nn.Pad(AMOUNTS, "wrap"), nn.ZeroPad(AMOUNTS), nn.Pad((1, 2), value=3)):
        y = layer(x)
        assert y.shape == (*batch, *(4 + sum(layer.padding[0]), 5 + sum(layer.padding[1])), 3)
        np.testing.assert_array_equal(nn.Crop(layer.padding)(y), x)


def test_amounts() -> None:
    assert nn.Pad(2).padding == ((2, 2),)
    assert nn.Crop((1, (0, np.int64(2)))).amounts == ((1, 1), (0, 2))
    y = nn.ZeroPad((1, 0))(jnp.ones((1, 2, 1), "int8"))
    assert (y.dtype, y.ravel().tolist()) == ("int8", [0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(nn.Crop((0, 0))(IMAGE), IMAGE)


def test_the_value() -> None:
    assert nn.Pad(1, value=-np.inf)(jnp.ones((1, 1))).ravel().tolist() == [-np.inf, 1, -np.inf]
    assert nn.Pad(1, value=7)(jnp.ones((0, 1))).ravel().tolist() == [7, 7]


@pytest.mark.parametrize("amounts", [-1, (1, -1), (), ((1, 2, 3),), 1.5, "11", None])
def test_amounts_are_checked(amounts: object) -> None:
    with pytest.raises(ArgumentError, match="Pad: expected `padding` to be an integer of at least"):
        nn.Pad(amounts)
    with pytest.raises(ArgumentError, match="Crop: expected `amounts` to be an integer of at leas"):
        nn.Crop(amounts)


def test_what_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"a mode.*mean 'reflect'"):
        nn.Pad(1, "reflection")
    with pytest.raises(UnknownNameError, match="a mode"):
        nn.Pad(1, None)
    for arguments in ({"mode": "edge", "value": 1}, {"value": "a"}):
        with pytest.raises(ArgumentError, match="`value` to be a number, and 0 in every mode but"):
            nn.Pad(1, **arguments)
    with pytest.raises(ShapeError, match="spatial axes of `x` to have at least one position"):
        nn.Pad(1, "edge")(jnp.ones((0, 1)))
    for layer in (nn.Pad, nn.Crop):
        with pytest.raises(ShapeError, match="is one integer"):
            layer(1)(IMAGE)
        with pytest.raises(ShapeError, match="Channels come last"):
            layer((1, 1))(jnp.ones((4, 4)))
    with pytest.raises(ShapeError, match=r"axis 2 of `x` to be larger than 2 \+ 3"):
        nn.Crop(((1, 1), (2, 3)))(IMAGE)
    assert nn.Crop((0,))(jnp.ones((0, 1))).shape == (0, 1)
