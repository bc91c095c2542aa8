"""Conv: the sum over the window, written out; its paddings; and what it refuses."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

KEY = jax.random.key(0)
IMAGE = jax.random.normal(KEY, (2, 6, 5, 4))


def written_out(
    x: np.ndarray,
    kernel: np.ndarray,
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> np.ndarray:
    """The convolution without padding, one output position and channel after the other."""
    *window, in_channels, features = kernel.shape
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ]
    y = np.zeros((len(x), *sizes, features))
    for position in itertools.product(*map(range, sizes)):
        reads = tuple(
            slice(p * s, p * s + d * (k - 1) + 1, d)
            for p, s, d, k in zip(position, strides, dilation, window, strict=True)
        )
        patch = x[(slice(None), *reads)]
        for feature in range(features):
            group = feature // (features // groups)
            part = patch[..., group * in_channels : (group + 1) * in_channels]
            total = (part * kernel[..., feature]).reshape(len(x), -1).sum(1)
            y[(slice(None), *position, feature)] = total
    return y


@pytest.mark.parametrize("num_axes", [1, 2, 3])
@pytest.mark.parametrize(
    ("strides", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 2), (1, 1, 4)]
)
def test_it_is_the_sum_over_the_window(
    num_axes: int, strides: int, dilation: int, groups: int
) -> None:
    x = jax.random.normal(KEY, (2, *(7, 6, 5)[:num_axes], 4))
    window = (3, 2, 1)[:num_axes]
    layer = nn.Conv(
        8, window, strides=strides, padding="VALID", dilation=dilation, groups=groups
    ).init(0, x)
    expected = written_out(
        np.asarray(x),
        np.asarray(layer.kernel),
        (strides,) * num_axes,
        (dilation,) * num_axes,
        groups,
    )
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_what_init_makes() -> None:
    layer = nn.Conv(8, (3, 2), groups=2, bias_init="ones").init(0, IMAGE)
    assert layer.kernel.shape == (3, 2, 2, 8)
    np.testing.assert_array_equal(layer.bias, np.ones(8))
    without = layer.copy()
    without.bias = None
    np.testing.assert_allclose(layer(IMAGE), without(IMAGE) + 1, rtol=1e-5, atol=1e-5)


def test_without_bias_there_is_none() -> None:
    layer = nn.Conv(8, (3, 3), use_bias=False).init(0, IMAGE)
    assert list(layer.state_dict()) == ["kernel"]


@pytest.mark.parametrize(
    ("padding", "strides", "size"),
    [
        ("SAME", 1, (6, 5)),
        ("same", 2, (3, 3)),
        ("VALID", 1, (4, 3)),
        ("VALID", 2, (2, 2)),
        ("CAUSAL", 1, (6, 5)),
        ("CIRCULAR", 1, (6, 5)),
        ("REFLECT", 1, (6, 5)),
        (2, 1, (8, 7)),
        (((1, 0), (0, 3)), 1, (5, 6)),
    ],
)
def test_padding_decides_the_size(padding: object, strides: int, size: tuple[int, int]) -> None:
    layer = nn.Conv(8, (3, 3), strides=strides, padding=padding).init(0, IMAGE)
    assert layer(IMAGE).shape == (2, *size, 8)


@pytest.mark.parametrize(
    ("padding", "reads"),
    [
        ("SAME", [0, 1, 2, 3]),
        ("CAUSAL", [0, 0, 0, 1]),
        ("CIRCULAR", [4, 1, 2, 3]),
        ("REFLECT", [2, 1, 2, 3]),
    ],
)
def test_what_stands_beyond_the_border(padding: str, reads: list[int]) -> None:
    x = jnp.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1)
    layer = nn.Conv(1, 4, padding=padding)
    layer.kernel = jnp.zeros((4, 1, 1)).at[0].set(1)  # returns the first value of each window
    np.testing.assert_array_equal(layer.init(0, x)(x).ravel(), reads)


def test_causal_outputs_do_not_see_later_values() -> None:
    x = jax.random.normal(KEY, (1, 8, 2))
    layer = nn.Conv(3, 3, padding="CAUSAL", dilation=2).init(0, x)
    changed = layer(x.at[:, 5:].set(0))
    np.testing.assert_array_equal(changed[:, :5], layer(x)[:, :5])
    assert not jnp.array_equal(changed[:, 5], layer(x)[:, 5])


def test_circular_padding_commutes_with_rolling() -> None:
    layer = nn.Conv(3, (3, 3), padding="CIRCULAR", dilation=2).init(0, IMAGE)
    rolled = layer(jnp.roll(IMAGE, (2, 3), (1, 2)))
    np.testing.assert_allclose(rolled, jnp.roll(layer(IMAGE), (2, 3), (1, 2)), atol=1e-5)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_any_number_of_batch_axes(batch: tuple[int, ...]) -> None:
    layer = nn.Conv(8, (3, 3), strides=2).init(0, IMAGE)
    x = jax.random.normal(KEY, (*batch, 6, 5, 4))
    y = layer(x)
    assert y.shape == (*batch, 3, 3, 8)
    if batch == (2, 3):
        np.testing.assert_allclose(y[1, 2], layer(x[1, 2]), rtol=1e-4, atol=1e-5)


def test_an_integer_is_a_window_over_sequences() -> None:
    layer = nn.Conv(8, 3).init(0, jnp.ones((2, 9, 4)))
    assert layer.kernel.shape == (3, 4, 8)
    assert layer(jnp.ones((9, 4))).shape == (9, 8)
    with pytest.raises(ShapeError, match="because `kernel_size` is one integer"):
        layer(IMAGE)
    assert nn.Conv(8, (3,)).init(0, IMAGE)(IMAGE).shape == (2, 6, 5, 8)


def test_the_wrong_number_of_channels_is_refused() -> None:
    layer = nn.Conv(8, (3, 3), groups=2).init(0, IMAGE)
    with pytest.raises(
        ShapeError, match=r"the channels of `x`, its last axis, to be 4 \(as .*has size 4"
    ):
        layer(jnp.ones((2, 6, 5, 2)))


def test_too_few_axes_and_too_small_inputs_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 axes for `kernel_size`"):
        nn.Conv(8, (3, 3)).init(0, jnp.ones((6, 5)))
    with pytest.raises(
        ShapeError, match=r"Conv: expected `x` to be at least as large as .*\(5, 3\)"
    ):
        nn.Conv(8, (3, 2), padding="VALID", dilation=2).init(0, jnp.ones((1, 4, 4, 1)))


def test_groups_have_to_divide_the_channels_on_both_sides() -> None:
    with pytest.raises(ArgumentError, match="`features` to be divisible by groups=3, received fea"):
        nn.Conv(8, (3, 3), groups=3)
    with pytest.raises(ShapeError, match="channels of `x` to be divisible by groups=3"):
        nn.Conv(9, (3, 3), groups=3).init(0, IMAGE)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"features": 1.5}, ArgumentError, "`features` to be an integer"),
        ({"kernel_size": (3, 0)}, ArgumentError, "`kernel_size` to be a tuple of positive"),
        ({"strides": (1, 1, 1)}, ArgumentError, "`strides` to be a positive integer, or 2"),
        ({"dilation": 0}, ArgumentError, "`dilation` to be a positive integer, or 2"),
        ({"padding": "FULL"}, UnknownNameError, "a padding .*'CIRCULAR', 'REFLECT'"),
        ({"padding": (1, -1)}, ArgumentError, "`padding` to be one of SAME, VALID, CAUSAL"),
        ({"groups": 0}, ArgumentError, "`groups` to be an integer"),
        ({"kernel_init": "he"}, UnknownNameError, "an initialiser"),
        ({"bias_init": 0}, ArgumentError, "`bias_init` to be a name"),
        ({"dtype": int}, ArgumentError, "`dtype` to be a floating dtype"),
        ({"param_dtype": "half16"}, ArgumentError, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.Conv(**{"features": 8, "kernel_size": (3, 3), **arguments})
