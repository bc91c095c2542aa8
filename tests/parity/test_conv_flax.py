"""Convolutions against `flax.nnx`, values and gradients to 1e-5, over drawn configurations."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import compare_with_function, nnx_function
from treexlite import nn

nnx = pytest.importorskip("flax.nnx", reason="flax is not installed (extra `flax`)")

NAMES = {"kernel": "kernel", "bias": "bias"}


@st.composite
def configurations(draw: st.DrawFn, paddings: tuple[str, ...]) -> Any:
    """The shape of an input, the window, and the arguments that both sides understand."""
    num_axes = draw(st.integers(1, 3))

    def sizes(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(low, high), min_size=num_axes, max_size=num_axes)))

    channels = draw(st.sampled_from([1, 2, 4]))
    batch = draw(st.sampled_from([(), (2,), (2, 3)]))
    shape = (*batch, *sizes(5, 6), channels)
    padding = draw(st.sampled_from(paddings))
    return shape, sizes(1, 3), {"strides": sizes(1, 3), "padding": padding}, sizes(1, 2)


@settings(max_examples=examples(8))
@given(configurations(("SAME", "VALID", "CIRCULAR", "REFLECT")), st.sampled_from([1, 2]))
def test_conv(configuration: Any, groups: int) -> None:
    shape, window, arguments, dilation = configuration
    x = jax.random.normal(jax.random.key(0), shape)
    groups = groups if x.shape[-1] % groups == 0 else 1
    ours = nn.Conv(
        4, window, dilation=dilation, groups=groups, bias_init="normal", **arguments
    ).init(0, x)
    theirs = nnx.Conv(
        x.shape[-1],
        4,
        window,
        kernel_dilation=dilation,
        feature_group_count=groups,
        rngs=nnx.Rngs(0),
        **arguments,
    )
    compare_with_function(ours, nnx_function(theirs, NAMES), x)


@settings(max_examples=examples(10))
@given(configurations(("SAME", "VALID", "CIRCULAR")))
def test_conv_transpose(configuration: Any) -> None:
    shape, window, arguments, dilation = configuration
    x = jax.random.normal(jax.random.key(0), shape)
    ours = nn.ConvTranspose(3, window, dilation=dilation, bias_init="normal", **arguments).init(
        0, x
    )
    theirs = nnx.ConvTranspose(
        x.shape[-1], 3, window, kernel_dilation=dilation, rngs=nnx.Rngs(0), **arguments
    )
    compare_with_function(ours, nnx_function(theirs, NAMES), x)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("strides", [1, 2, 5])
def test_a_window_that_goes_round_more_than_once(size: int, strides: int) -> None:
    x = jax.random.normal(jax.random.key(0), (2, size, 2))
    ours = nn.ConvTranspose(3, 7, strides=strides, padding="CIRCULAR").init(0, x)
    theirs = nnx.ConvTranspose(2, 3, (7,), strides, padding="CIRCULAR", rngs=nnx.Rngs(0))
    compare_with_function(ours, nnx_function(theirs, NAMES), x)


def test_causal() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 7, 2))
    ours = nn.Conv1D(3, 3, dilation=2, padding="CAUSAL").init(0, x)
    theirs = nnx.Conv(2, 3, (3,), kernel_dilation=2, padding="CAUSAL", rngs=nnx.Rngs(0))
    compare_with_function(ours, nnx_function(theirs, NAMES), x)


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR"])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", ["Conv", "ConvTranspose"])
def test_forward_and_backward_take_no_more_operations(
    name: str, strides: int, padding: str
) -> None:
    x = jnp.ones((2, 8, 8, 4))
    ours = getattr(nn, name)(8, (3, 3), strides=strides, padding=padding).init(0, x)
    theirs = getattr(nnx, name)(
        4, 8, (3, 3), strides=(strides, strides), padding=padding, rngs=nnx.Rngs(0)
    )
    pure = nnx_function(theirs, NAMES)

    def operations(f: Any) -> float:
        forward = jax.jit(f).lower(ours.state_dict(), x).compile().cost_analysis()
        loss = jax.jit(jax.grad(lambda state, x: f(state, x).sum(), (0, 1)))
        backward = loss.lower(ours.state_dict(), x).compile().cost_analysis()
        return float(forward["flops"] + backward["flops"])

    def mine(state: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        layer = ours.copy()
        layer.load_state_dict(state)
        return layer(x)

    assert operations(mine) <= operations(pure)
