"""Merge layers, TimeDistributed, Reshape and Permute against Keras, on its JAX backend, to 1e-5.

Values, and the gradients of the inputs and of all parameters.
"""

import os
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.conformance.catalogue import Staged, sum_of
from tests.parity.compare import assert_close, compare_with_function
from treexlite import nn

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

PAIRS = {
    "add": (nn.Add, keras.layers.Add),
    "subtract": (nn.Subtract, keras.layers.Subtract),
    "multiply": (nn.Multiply, keras.layers.Multiply),
    "average": (nn.Average, keras.layers.Average),
    "maximum": (nn.Maximum, keras.layers.Maximum),
    "minimum": (nn.Minimum, keras.layers.Minimum),
}
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def compare(ours: Any, theirs: Any, *arrays: jax.Array) -> None:
    """Both are called with a list of arrays."""
    numbers = range(len(arrays))
    assert_close(ours(list(arrays)), theirs(list(arrays)))
    mine = jax.grad(lambda *arrays: sum_of(ours(list(arrays))), tuple(numbers))(*arrays)
    wanted = jax.grad(lambda *arrays: sum_of(theirs(list(arrays))), tuple(numbers))(*arrays)
    for one, other in zip(mine, wanted, strict=True):
        assert_close(one, other)


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


@settings(max_examples=examples(5))
@given(st.sampled_from(sorted(PAIRS)), SIZES, st.integers(0, 9), st.data())
def test_element_by_element(name: str, sizes: list[int], seed: int, data: Any) -> None:
    """Also with axes of size 1, which are stretched."""
    count = 2 if name == "subtract" else data.draw(st.integers(2, 4))
    shapes = [[3, *(data.draw(st.sampled_from([1, size])) for size in sizes)] for _ in range(count)]
    ours, theirs = PAIRS[name]
    compare(ours(), theirs(), *(normal(seed + n, *shape) for n, shape in enumerate(shapes)))


@settings(max_examples=examples(4))
@given(SIZES, st.integers(1, 3), st.integers(2, 3), st.data())
def test_concatenate(sizes: list[int], other: int, count: int, data: Any) -> None:
    axis = data.draw(st.integers(-len(sizes), len(sizes)).filter(bool))
    shapes = []
    for number in range(count):
        shape = [3, *sizes]
        shape[axis] += other * number
        shapes.append(shape)
    arrays = [normal(number, *shape) for number, shape in enumerate(shapes)]
    compare(nn.Concatenate(axis), keras.layers.Concatenate(axis), *arrays)


@settings(max_examples=examples(5))
@given(SIZES, SIZES, st.integers(1, 4), st.booleans(), st.data())
def test_dot(first: list[int], second: list[int], size: int, normalize: bool, data: Any) -> None:
    axes = []
    for sizes in (first, second):
        axis = data.draw(st.integers(0, len(sizes) - 1))
        sizes[axis] = size
        axes.append(data.draw(st.sampled_from([axis + 1, axis - len(sizes)])))
    ours = nn.Dot(tuple(axes), normalize=normalize)
    theirs = keras.layers.Dot(axes=tuple(axes), normalize=normalize)
    compare(ours, theirs, normal(1, 3, *first), normal(2, 3, *second))


@settings(max_examples=examples(4))
@given(SIZES, st.data())
def test_permute_and_reshape(sizes: list[int], data: Any) -> None:
    x = normal(0, 2, *sizes)
    axes = tuple(data.draw(st.permutations(range(1, x.ndim))))
    compare_with_function(nn.Permute(axes), lambda _, x: keras.layers.Permute(axes)(x), x)
    shape = (sizes[-1], -1)
    compare_with_function(nn.Reshape(shape), lambda _, x: keras.layers.Reshape(shape)(x), x)


def test_time_distributed() -> None:
    x = normal(0, 3, 5, 4)
    ours = nn.TimeDistributed(nn.Linear(2, bias_init="normal")).init(0, x)
    theirs = keras.layers.TimeDistributed(keras.layers.Dense(2))
    theirs.build(x.shape)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        weights = [arrays["layer/kernel"], arrays["layer/bias"]]
        return theirs.stateless_call(weights, [], x)[0]

    compare_with_function(ours, function, x)


def test_two_arrays_as_arguments_are_those_of_the_list() -> None:
    x = normal(0, 3, 4)
    ours = Staged(nn.Subtract(), lambda layer, x: layer(x, jnp.cos(x)))
    compare_with_function(ours, lambda _, x: keras.layers.Subtract()([x, jnp.cos(x)]), x)
