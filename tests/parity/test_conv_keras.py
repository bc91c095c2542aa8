"""Depthwise and separable convolutions against Keras, values and gradients to 1e-5."""

import os
from typing import Any

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import compare_with_function
from treexlite import nn

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")


@st.composite
def configurations(draw: st.DrawFn) -> Any:
    """The shape of an input with one or two spatial axes, and how a window moves over it."""
    num_axes = draw(st.integers(1, 2))
    window = tuple(draw(st.lists(st.integers(1, 3), min_size=num_axes, max_size=num_axes)))
    shape = (2, *(7, 6)[:num_axes], 3)
    # TensorFlow's kernels, whose rules Keras keeps, refuse steps and dilation together.
    strides, dilation = draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    return (
        shape,
        window,
        draw(st.integers(1, 3)),
        strides,
        dilation,
        draw(st.sampled_from(["SAME", "VALID"])),
    )


def stateless(layer: Any) -> Any:
    """A layer of Keras as a function of its variables and the input."""
    return lambda variables, x: layer.stateless_call(variables, [], x)[0]


@settings(max_examples=examples(8))
@given(configurations())
def test_depthwise(configuration: Any) -> None:
    shape, window, multiplier, strides, dilation, padding = configuration
    x = jax.random.normal(jax.random.key(0), shape)
    ours = nn.DepthwiseConv(
        window,
        channel_multiplier=multiplier,
        strides=strides,
        padding=padding,
        dilation=dilation,
        bias_init="normal",
    ).init(0, x)
    theirs = getattr(keras.layers, f"DepthwiseConv{len(window)}D")(
        window, strides, padding.lower(), multiplier, dilation_rate=dilation
    )
    theirs.build(x.shape)
    call = stateless(theirs)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        kernel = arrays["kernel"].reshape(*window, 3, multiplier)
        return call([kernel, arrays["bias"]], x)

    compare_with_function(ours, function, x)


@settings(max_examples=examples(8))
@given(configurations())
def test_separable(configuration: Any) -> None:
    shape, window, multiplier, strides, dilation, padding = configuration
    x = jax.random.normal(jax.random.key(0), shape)
    ours = nn.SeparableConv(
        4,
        window,
        channel_multiplier=multiplier,
        strides=strides,
        padding=padding,
        dilation=dilation,
        bias_init="normal",
    ).init(0, x)
    theirs = getattr(keras.layers, f"SeparableConv{len(window)}D")(
        4, window, strides, padding.lower(), dilation_rate=dilation, depth_multiplier=multiplier
    )
    theirs.build(x.shape)
    call = stateless(theirs)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        kernel = arrays["depthwise/kernel"].reshape(*window, 3, multiplier)
        return call([kernel, arrays["pointwise/kernel"], arrays["pointwise/bias"]], x)

    compare_with_function(ours, function, x)
