"""Resizing, shuffling and padding against PyTorch, values and gradients to 1e-5."""

from typing import Any

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import channels_first, channels_last, compare_with_torch
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def drawn(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(0), shape)


@st.composite
def sizes(draw: st.DrawFn, high: int) -> Any:
    """The spatial shape of an input, and as many further numbers from 1."""
    num_axes = draw(st.integers(1, 3))
    lists = [
        st.lists(st.integers(1, top), min_size=num_axes, max_size=num_axes) for top in (6, high)
    ]
    return tuple(map(tuple, map(draw, lists)))


@settings(max_examples=examples(10))
@given(sizes(9), st.sampled_from(["nearest", "linear"]))
def test_resize(configuration: Any, method: str) -> None:
    spatial, size = configuration
    ours = nn.Resize(size, method=method, antialias=False)
    mode = "nearest-exact" if method == "nearest" else LINEAR[len(size)]
    theirs = torch.nn.functional.interpolate
    x = drawn(2, *spatial, 3)
    compare_with_torch(ours, lambda x: theirs(x, size, mode=mode), x, channels_first, channels_last)


@settings(max_examples=examples(6))
@given(st.tuples(*[st.integers(2, 9)] * 4))
def test_antialiasing(numbers: tuple[int, ...]) -> None:
    spatial, size = numbers[:2], numbers[2:]
    theirs = torch.nn.functional.interpolate
    compare_with_torch(
        nn.Resize(size),
        lambda x: theirs(x, size, mode="bilinear", antialias=True),
        drawn(2, *spatial, 3),
        channels_first,
        channels_last,
    )


@settings(max_examples=examples(8))
@given(sizes(3), st.sampled_from(["nearest", "linear"]))
def test_upsample(configuration: Any, method: str) -> None:
    spatial, scale = configuration
    mode = "nearest" if method == "nearest" else LINEAR[len(scale)]
    theirs = torch.nn.Upsample(scale_factor=scale, mode=mode)
    ours = nn.Upsample(scale, method=method)
    compare_with_torch(ours, theirs, drawn(2, *spatial, 3), channels_first, channels_last)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle(factor: int) -> None:
    x = drawn(2, 3, 2, 2 * factor**2)
    theirs = torch.nn.PixelShuffle(factor)
    compare_with_torch(nn.PixelShuffle(factor), theirs, x, channels_first, channels_last)
    x = drawn(2, 3 * factor, 2 * factor, 4)
    theirs = torch.nn.PixelUnshuffle(factor)
    compare_with_torch(nn.PixelUnshuffle(factor), theirs, x, channels_first, channels_last)


@pytest.mark.parametrize(
    ("mode", "name"),
    [("constant", "constant"), ("edge", "replicate"), ("reflect", "reflect"), ("wrap", "circular")],
)
@pytest.mark.parametrize("num_axes", [1, 2, 3])
def test_pad(mode: str, name: str, num_axes: int) -> None:
    amounts = ((1, 2), (0, 3), (2, 1))[:num_axes]
    flat = [amount for pair in reversed(amounts) for amount in pair]
    value = 2.5 if mode == "constant" else 0
    compare_with_torch(
        nn.Pad(amounts, mode, value=value),
        lambda x: torch.nn.functional.pad(x, flat, name, value or None),
        drawn(2, *(4, 5, 4)[:num_axes], 3),
        channels_first,
        channels_last,
    )
