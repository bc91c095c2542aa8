"""What all convolutions share: parameters, groups, batch axes, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError, UnknownNameError

IMAGE = jax.random.normal(jax.random.key(0), (2, 6, 5, 4))
LAYERS = {
    "Conv": lambda **d: nn.Conv(8, (3, 3), **d),
    "ConvTranspose": lambda **d: nn.ConvTranspose(8, (3, 3), **d),
    "DepthwiseConv": lambda **d: nn.DepthwiseConv((3, 3), channel_multiplier=2, **d),
    "SeparableConv": lambda **d: nn.SeparableConv(8, (3, 3), **d),
}
EACH = pytest.mark.parametrize("name", list(LAYERS))


@EACH
@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_any_number_of_batch_axes(name: str, batch: tuple[int, ...]) -> None:
    layer = LAYERS[name](strides=2).init(0, IMAGE)
    y = layer(jnp.ones((*batch, 6, 5, 4)))
    assert y.shape[:-3] == batch
    assert y.shape[-1] == 8


@EACH
def test_the_bias_is_added(name: str) -> None:
    layer = LAYERS[name](bias_init="ones").init(0, IMAGE)
    without = LAYERS[name](use_bias=False).init(0, IMAGE)
    assert not [path for path in without.state_dict() if "bias" in path]
    for path in without.state_dict():
        np.testing.assert_array_equal(without.state_dict()[path], layer.state_dict()[path])
    np.testing.assert_allclose(layer(IMAGE), without(IMAGE) + 1, rtol=1e-5, atol=1e-5)


@EACH
@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_integers_are_taken_as_numbers(name: str, dtype: str | None) -> None:
    layer = LAYERS[name](dtype=dtype).init(0, jnp.ones((1, 6, 5, 4), int))
    assert layer(np.ones((1, 6, 5, 4), np.uint8)).dtype == (dtype or jnp.float32)
    assert {str(layer.dtype), str(layer.param_dtype)} == {str(dtype), "float32"}


@EACH
def test_the_wrong_number_of_channels_is_refused(name: str) -> None:
    layer = LAYERS[name]().init(0, IMAGE)
    with pytest.raises(ShapeError, match="the channels of `x`, its last axis, to be 4"):
        layer(jnp.ones((2, 6, 5, 3)))


@EACH
def test_calling_before_init_is_refused(name: str) -> None:
    with pytest.raises(NotInitializedError, match="not created yet"):
        LAYERS[name]()(IMAGE)


@EACH
def test_an_empty_border_cannot_be_filled(name: str) -> None:
    layer = LAYERS[name](padding="CIRCULAR").init(0, IMAGE)
    with pytest.raises(ShapeError, match="spatial axes of `x` to have at least one position"):
        layer(jnp.ones((2, 0, 5, 4)))


@EACH
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"strides": (1, 1, 1)}, ArgumentError, "`strides` to be a positive integer, or 2"),
        ({"dilation": 0}, ArgumentError, "`dilation` to be a positive integer, or 2"),
        ({"padding": "FULL"}, UnknownNameError, "a padding .*'CIRCULAR'"),
        ({"padding": (1, -1)}, ArgumentError, "`padding` to be one of SAME, VALID, CAUSAL"),
        ({"kernel_init": "he"}, UnknownNameError, "an initialiser"),
        ({"bias_init": 0}, ArgumentError, "`bias_init` to be a name"),
        ({"dtype": int}, ArgumentError, "`dtype` to be a floating dtype"),
        ({"param_dtype": None}, ArgumentError, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    name: str, arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LAYERS[name](**arguments)


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_groups_have_to_divide_the_channels_on_both_sides(kind: str) -> None:
    layer = getattr(nn, kind)
    with pytest.raises(ArgumentError, match="`features` to be divisible by groups=3, received fea"):
        layer(8, (3, 3), groups=3)
    with pytest.raises(ShapeError, match="channels of `x` to be divisible by groups=3"):
        layer(9, (3, 3), groups=3).init(0, IMAGE)
    with pytest.raises(ArgumentError, match="`groups` to be an integer"):
        layer(8, (3, 3), groups=0)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_the_names_of_ranks(kind: str, rank: int) -> None:
    named, general = getattr(nn, f"{kind}{rank}D"), getattr(nn, kind)
    x = jnp.ones((2, 1, *(4,) * rank, 3))
    ours = named(8, 3, strides=2).init(0, x)
    assert ours.kernel.shape == (3,) * rank + (3, 8)
    expected = general(8, (3,) * rank, strides=2).init(0, x)
    np.testing.assert_array_equal(ours(x), expected(x))
    assert isinstance(ours, general)
    with pytest.raises(ArgumentError, match=f"`kernel_size` to be a positive integer, or {rank} o"):
        named(8, (3,) * (rank + 1))
    with pytest.raises(ShapeError, match="Channels come last"):
        named(8, 3).init(0, jnp.ones((4,) * rank))


def test_in_a_loop_over_blocks() -> None:
    block = nn.Sequential(nn.ConvTranspose2D(4, 3), nn.DepthwiseConv((3, 3)))
    model = nn.Repeated(block, 2).init(0, IMAGE)
    assert model(IMAGE).shape == IMAGE.shape
    gradients = tx.grad(lambda model: (model(IMAGE) ** 2).sum())(model)
    assert all(jnp.isfinite(g).all() for g in gradients.state_dict().values())
