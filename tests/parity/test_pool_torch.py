"""Pooling against PyTorch, values and gradients to 1e-5, over drawn configurations."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.conformance.catalogue import Staged
from tests.parity.compare import assert_close, channels_first, channels_last, compare_with_torch
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")


def drawn(*shape: int, seed: int = 0) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


@st.composite
def windows(draw: st.DrawFn) -> Any:
    """The shape of an input of 1 to 3 spatial axes, a window, and its steps."""
    num_axes = draw(st.integers(1, 3))

    def sizes(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(low, high), min_size=num_axes, max_size=num_axes)))

    window = sizes(1, 3)
    padding = tuple(draw(st.integers(0, size // 2)) for size in window)
    return (2, *sizes(5, 6), 3), window, sizes(1, 3), padding, sizes(1, 2)


@settings(max_examples=examples(10))
@given(windows(), st.booleans())
def test_max_pool(configuration: Any, return_indices: bool) -> None:
    shape, window, strides, padding, dilation = configuration
    x, rank = drawn(*shape), len(window)
    arguments = {"strides": strides, "padding": padding, "dilation": dilation}
    ours = getattr(nn, f"MaxPool{rank}D")(window, return_indices=return_indices, **arguments)
    theirs = getattr(torch.nn, f"MaxPool{rank}d")(
        window, strides, padding, dilation, return_indices=True
    )
    if return_indices:
        expected, indices = theirs(torch.tensor(channels_first(x).copy()))
        y, found = ours(x)
        assert_close(y, channels_last(expected))
        np.testing.assert_array_equal(found, channels_last(indices))
        ours = Staged(ours, lambda layer, x: layer(x)[0])
    compare_with_torch(ours, lambda x: theirs(x)[0], x, channels_first, channels_last)


@settings(max_examples=examples(8))
@given(windows(), st.sampled_from([1, 2, 3, 4, 2.5, float("inf")]))
def test_lp_pool(configuration: Any, order: float) -> None:
    shape, window, strides, _, _ = configuration
    x, rank = drawn(*shape), len(window)
    x = x if order in (1, 2, 4, float("inf")) else abs(x)  # else NaN there
    ours = getattr(nn, f"LPPool{rank}D")(order, window, strides=strides)
    # One-dimensional layers of theirs take integers alone.
    theirs = getattr(torch.nn, f"LPPool{rank}d")(
        order, *((window, strides) if rank > 1 else (window[0], strides[0]))
    )
    compare_with_torch(ours, theirs, x, channels_first, channels_last)


@settings(max_examples=examples(8))
@given(windows(), st.booleans())
def test_avg_pool(configuration: Any, count_include_pad: bool) -> None:
    shape, window, strides, padding, _ = configuration
    rank = len(window)
    arguments = {"padding": padding, "count_include_pad": count_include_pad}
    ours = getattr(nn, f"AvgPool{rank}D")(window, strides=strides, **arguments)
    theirs = getattr(torch.nn, f"AvgPool{rank}d")(window, strides, **arguments)
    compare_with_torch(ours, theirs, drawn(*shape), channels_first, channels_last)


@st.composite
def adaptive(draw: st.DrawFn) -> Any:
    """The shape of an input and the size of an output, which may be the larger one."""
    num_axes = draw(st.integers(1, 3))
    axes = st.lists(st.integers(1, 7), min_size=num_axes, max_size=num_axes)
    sizes = st.lists(st.none() | st.integers(1, 8), min_size=num_axes, max_size=num_axes)
    return (2, *draw(axes), 3), tuple(draw(sizes))


@settings(max_examples=examples(12))
@given(adaptive(), st.sampled_from(["Avg", "Max"]))
def test_adaptive_pool(configuration: Any, kind: str) -> None:
    shape, sizes = configuration
    ours = getattr(nn, f"Adaptive{kind}Pool")(sizes)
    # One-dimensional layers of theirs know no None.
    given_sizes = shape[1] if sizes == (None,) else sizes
    theirs = getattr(torch.nn, f"Adaptive{kind}Pool{len(sizes)}d")(given_sizes)
    compare_with_torch(ours, theirs, drawn(*shape), channels_first, channels_last)


@settings(max_examples=examples(8))
@given(windows())
def test_max_unpool(configuration: Any) -> None:
    shape, window, _, padding, _ = configuration
    rank = len(window)
    _, indices = nn.MaxPool(window, padding=padding, return_indices=True)(drawn(*shape))
    x = drawn(*indices.shape, seed=1)
    theirs = getattr(torch.nn, f"MaxUnpool{rank}d")(window, padding=padding)
    where = torch.tensor(channels_first(indices).copy(), dtype=torch.int64)
    size = shape[1:-1]
    indices = np.asarray(indices)
    ours = Staged(
        nn.MaxUnpool(window, padding=padding),
        lambda layer, x: layer(x, indices, output_size=size),
    )
    compare_with_torch(ours, lambda x: theirs(x, where, size), x, channels_first, channels_last)


def test_the_size_of_unpooling_without_one() -> None:
    x = drawn(2, 6, 8, 3)
    y, indices = nn.MaxPool((2, 2), return_indices=True)(x)
    theirs = torch.nn.MaxUnpool2d(2)(
        *(torch.tensor(channels_first(part).copy()) for part in (y, np.int64(indices)))
    )
    assert_close(nn.MaxUnpool((2, 2))(y, indices), channels_last(theirs))
