"""DepthwiseConv and SeparableConv: as Conv with groups, and as two layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

IMAGE = jax.random.normal(jax.random.key(0), (2, 6, 5, 4))


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CAUSAL", "CIRCULAR", "REFLECT", 1])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_it_is_a_conv_with_as_many_groups_as_channels(multiplier: int, padding: object) -> None:
    arguments = {"padding": padding, "strides": (1, 2), "dilation": (2, 1)}
    layer = nn.DepthwiseConv((3, 2), channel_multiplier=multiplier, **arguments).init(0, IMAGE)
    conv = nn.Conv(4 * multiplier, (3, 2), groups=4, **arguments).init(0, IMAGE)
    assert layer.kernel.shape == (3, 2, 1, 4 * multiplier)
    np.testing.assert_array_equal(layer.kernel, conv.kernel)
    np.testing.assert_array_equal(layer(IMAGE), conv(IMAGE))


def test_channels_do_not_mix() -> None:
    layer = nn.DepthwiseConv((3, 3), channel_multiplier=2).init(0, IMAGE)
    changed = layer(IMAGE.at[..., 1].add(1)) != layer(IMAGE)
    assert changed.any((0, 1, 2)).tolist() == [False] * 2 + [True] * 2 + [False] * 4


def test_separable_is_the_product_of_its_parts() -> None:
    layer = nn.SeparableConv(5, (3, 3), channel_multiplier=2, bias_init="ones").init(0, IMAGE)
    kernel = layer.depthwise.kernel.reshape(3, 3, 4, 2)
    mixing = layer.pointwise.kernel.reshape(4, 2, 5)
    whole = nn.Conv(5, (3, 3), bias_init="ones")
    whole.kernel = jnp.einsum("hwcm,cmf->hwcf", kernel, mixing)
    whole = whole.init(0, IMAGE)
    np.testing.assert_allclose(layer(IMAGE), whole(IMAGE), rtol=1e-4, atol=1e-5)


def test_separable_over_sequences() -> None:
    layer = nn.SeparableConv(5, 3, padding="CAUSAL").init(0, jnp.ones((2, 9, 4)))
    assert layer(jnp.ones((9, 4))).shape == (9, 5)
    with pytest.raises(ShapeError, match="because `kernel_size` is one integer"):
        layer(IMAGE)


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`channel_multiplier` to be an integer of at least 1"):
        nn.DepthwiseConv((3, 3), channel_multiplier=0)
    with pytest.raises(ArgumentError, match="`features` to be an integer"):
        nn.SeparableConv(0, (3, 3))
    with pytest.raises(ShapeError, match=r"DepthwiseConv: expected `x` to be at least as large"):
        nn.DepthwiseConv((3, 3), padding="VALID").init(0, IMAGE[:, :2])
