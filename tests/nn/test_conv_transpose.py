"""ConvTranspose: the sum written out, its sizes, and that it is the gradient of Conv."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

SEQUENCE = jax.random.normal(jax.random.key(0), (2, 5, 4))


def written_out(
    x: np.ndarray, kernel: np.ndarray, step: int, apart: int, groups: int
) -> np.ndarray:
    """Everything that the window touches, one input position after the other."""
    width, in_channels, features = kernel.shape
    reach = apart * (width - 1) + 1
    y = np.zeros((len(x), (x.shape[1] - 1) * step + reach, features))
    for position in range(x.shape[1]):
        for tap in range(width):
            for feature in range(features):
                group = feature // (features // groups)
                part = x[:, position, group * in_channels : (group + 1) * in_channels]
                at = position * step + apart * (width - 1 - tap)
                y[:, at, feature] += part @ kernel[tap, :, feature]
    return y


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("step", "apart"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_it_spreads_and_adds(step: int, apart: int, groups: int) -> None:
    layer = nn.ConvTranspose(8, 3, strides=step, dilation=apart, groups=groups, padding=0)
    layer = layer.init(0, SEQUENCE)
    expected = written_out(np.asarray(SEQUENCE), np.asarray(layer.kernel), step, apart, groups)
    np.testing.assert_allclose(layer(SEQUENCE), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"padding": 1}, {"padding": 1, "dilation": 2}])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [6, 7])
def test_it_is_the_gradient_of_conv(size: int, strides: int, arguments: dict) -> None:
    arguments = {"strides": strides, "padding": "VALID", **arguments, "use_bias": False}
    x = jax.random.normal(jax.random.key(1), (2, size, 3))
    conv = nn.Conv(4, 3, **arguments).init(0, x)
    y, back = jax.vjp(conv, x)
    smallest = (y.shape[1] - 1) * strides + conv._extent[0] - 2 * (arguments["padding"] == 1)
    if arguments["padding"] == "VALID":
        arguments["padding"] = 0
    layer = nn.ConvTranspose(3, 3, output_padding=size - smallest, **arguments)
    layer.kernel = conv.kernel[::-1].swapaxes(1, 2)
    layer = layer.init(0, y)
    np.testing.assert_allclose(layer(y), back(y)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({}, 5),
        ({"strides": 2}, 10),
        ({"strides": 4}, 20),
        ({"padding": "VALID"}, 7),
        ({"padding": "valid", "strides": 2}, 11),
        ({"padding": "VALID", "strides": 4}, 20),
        ({"padding": "CAUSAL", "strides": 2}, 10),
        ({"padding": "CIRCULAR", "strides": 2, "dilation": 3}, 10),
        ({"padding": 1, "strides": 2}, 9),
        ({"padding": ((0, 1),), "strides": 2}, 10),
        ({"padding": 1, "strides": 2, "output_padding": 1}, 10),
        ({"output_padding": (1,), "dilation": 2}, 6),
        ({"strides": 4, "output_padding": 3}, 23),
    ],
)
def test_padding_decides_the_size(arguments: dict, size: int) -> None:
    layer = nn.ConvTranspose(2, 3, **arguments).init(0, SEQUENCE)
    assert layer(SEQUENCE).shape == (2, size, 2)


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CAUSAL", 1])
def test_positions_that_are_added_come_last(padding: object) -> None:
    layer = nn.ConvTranspose(2, 3, strides=3, padding=padding).init(0, SEQUENCE)
    longer = nn.ConvTranspose(2, 3, strides=3, padding=padding, output_padding=2).init(0, SEQUENCE)
    size = layer(SEQUENCE).shape[1]
    assert longer(SEQUENCE).shape[1] == size + 2
    np.testing.assert_allclose(longer(SEQUENCE)[:, :size], layer(SEQUENCE), rtol=1e-5, atol=1e-6)


def test_causal_outputs_do_not_see_later_values() -> None:
    layer = nn.ConvTranspose(3, 4, strides=2, padding="CAUSAL", dilation=2).init(0, SEQUENCE)
    changed, y = layer(SEQUENCE.at[:, 3:].set(0)), layer(SEQUENCE)
    np.testing.assert_array_equal(changed[:, :6], y[:, :6])
    assert not jnp.array_equal(changed[:, 6], y[:, 6])


@pytest.mark.parametrize("width", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_circular_padding_commutes_with_rolling(width: int, strides: int) -> None:
    layer = nn.ConvTranspose(3, width, padding="CIRCULAR", strides=strides).init(0, SEQUENCE)
    rolled = layer(jnp.roll(SEQUENCE, 2, 1))
    expected = jnp.roll(layer(SEQUENCE), 2 * strides, 1)
    np.testing.assert_allclose(rolled, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_padding": 1}, r"smaller than \(1,\), the larger of strides and dilation"),
        ({"strides": 2, "output_padding": 2}, r"smaller than \(2,\)"),
        ({"strides": 2, "output_padding": -1}, "`output_padding` to be at least 0"),
        ({"strides": 2, "output_padding": (1, 1)}, "`output_padding` to be at least 0"),
        ({"strides": 2, "output_padding": 1.0}, "`output_padding` to be at least 0"),
        (
            {"strides": 2, "output_padding": 1, "padding": "CIRCULAR"},
            '`output_padding` to be 0 for `padding="CIRCULAR"`',
        ),
    ],
)
def test_output_padding_is_checked(arguments: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.ConvTranspose(2, 3, **arguments)


def test_there_is_no_mirrored_border() -> None:
    with pytest.raises(UnknownNameError, match="a padding"):
        nn.ConvTranspose(2, 3, padding="REFLECT")


def test_inputs_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"positions left; its spatial shape is \(0,\)"):
        nn.ConvTranspose(2, 2, padding=1).init(0, jnp.ones((1, 1, 3)))
    with pytest.raises(ShapeError, match="spatial axes of `x` to have at least one position"):
        nn.ConvTranspose(2, 2).init(0, jnp.ones((1, 0, 3)))
    with pytest.raises(ShapeError, match="because `kernel_size` is one integer"):
        nn.ConvTranspose(2, 2).init(0, jnp.ones((1, 4, 4, 3)))
