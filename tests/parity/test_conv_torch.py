"""Convolutions against PyTorch, values and gradients to 1e-5, over drawn configurations."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import (
    assert_close,
    channels_first,
    channels_last,
    compare_with_torch,
    kernel_of,
    set_parameter,
    weight_of,
)
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")


def transposed_weight(kernel: Any, groups: int) -> np.ndarray:
    """PyTorch's (in, out / groups, *window) of our (*window, in / groups, out), mirrored."""
    kernel = np.asarray(kernel)
    window = kernel.shape[:-2]
    kernel = np.flip(kernel, tuple(range(len(window))))
    cut = kernel.reshape(*window, kernel.shape[-2], groups, kernel.shape[-1] // groups)
    cut = np.moveaxis(cut, (-2, -3, -1), (0, 1, 2))  # (groups, in / groups, out / groups, *window)
    return cut.reshape(-1, *cut.shape[2:])


@st.composite
def configurations(draw: st.DrawFn, smallest: int) -> Any:
    """The shape of an input of 1 to 3 spatial axes, and how a window moves over it."""
    num_axes = draw(st.integers(1, 3))

    def sizes(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(low, high), min_size=num_axes, max_size=num_axes)))

    shape = (2, *sizes(smallest, smallest + 1), 4)
    groups = draw(st.sampled_from([1, 2]))
    return shape, sizes(1, 3), {"strides": sizes(1, 3), "dilation": sizes(1, 2), "groups": groups}


def amounts(draw: Any, limits: Any) -> tuple[int, ...]:
    """Draw an integer from 0 to each limit."""
    return tuple(draw(st.integers(0, limit)) for limit in limits)


def assert_same_sums(ours: jax.Array, theirs: Any, y: jax.Array) -> None:
    """Compare gradients of biases: sums of weights from -1 to 1, which cancel, over positions."""
    positions = y.size // y.shape[-1]
    assert_close(ours / positions, theirs / positions)


@settings(max_examples=examples(8))
@given(configurations(5), st.integers(0, 2))
def test_conv(configuration: Any, padding: int) -> None:
    shape, window, arguments = configuration
    x = jax.random.normal(jax.random.key(0), shape)
    ours = getattr(nn, f"Conv{len(window)}D")(
        6, window, padding=padding, bias_init="normal", **arguments
    ).init(0, x)
    theirs = getattr(torch.nn, f"Conv{len(window)}d")(
        4,
        6,
        window,
        arguments["strides"],
        padding,
        dilation=arguments["dilation"],
        groups=arguments["groups"],
    )
    set_parameter(theirs, "weight", weight_of(ours.kernel))
    set_parameter(theirs, "bias", ours.bias)
    gradients = compare_with_torch(ours, theirs, x, channels_first, channels_last)
    assert_close(gradients["kernel"], kernel_of(theirs.weight.grad))
    assert_same_sums(gradients["bias"], theirs.bias.grad, ours(x))


@settings(max_examples=examples(10))
@given(configurations(3), st.data())
def test_conv_transpose(configuration: Any, data: st.DataObject) -> None:
    shape, window, arguments = configuration
    x = jax.random.normal(jax.random.key(0), shape)
    strides, dilation, groups = arguments["strides"], arguments["dilation"], arguments["groups"]
    padding = amounts(data.draw, [1] * len(window))
    more = amounts(data.draw, [max(pair) - 1 for pair in zip(strides, dilation, strict=True)])
    ours = getattr(nn, f"ConvTranspose{len(window)}D")(
        6, window, padding=padding, output_padding=more, bias_init="normal", **arguments
    ).init(0, x)
    theirs = getattr(torch.nn, f"ConvTranspose{len(window)}d")(
        4, 6, window, strides, padding, more, groups, dilation=dilation
    )
    set_parameter(theirs, "weight", transposed_weight(ours.kernel, groups))
    set_parameter(theirs, "bias", ours.bias)
    gradients = compare_with_torch(ours, theirs, x, channels_first, channels_last)
    assert_close(transposed_weight(gradients["kernel"], groups), theirs.weight.grad)
    assert_same_sums(gradients["bias"], theirs.bias.grad, ours(x))
