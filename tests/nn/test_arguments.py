"""Hyper-parameters: what is accepted, in which form it comes back, and how the rest is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.export import symbolic_shape

from treexlite._errors import ArgumentError
from treexlite.nn import _arguments as arguments


def test_integers_of_numpy_become_plain() -> None:
    value = arguments.positive_int("Linear", "features", np.int64(3))
    assert value == 3
    assert type(value) is int


@pytest.mark.parametrize("value", [0, -1, 2.0, "3", None, True])
def test_what_is_no_positive_integer_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"Linear: expected `features` to be an integer of at"):
        arguments.positive_int("Linear", "features", value)


@pytest.mark.parametrize("value", [0, 1, 0.25, np.float32(0.25)])
def test_fractions_become_floats(value: float) -> None:
    fraction = arguments.unit_fraction("Dropout", "rate", value)
    assert type(fraction) is float
    assert fraction == value


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_what_is_no_fraction_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"Dropout: expected `rate` to be a number from 0 to 1"):
        arguments.unit_fraction("Dropout", "rate", value)


def test_non_negative_numbers_become_floats() -> None:
    assert arguments.non_negative("LayerNorm", "epsilon", 0) == 0.0
    assert type(arguments.non_negative("LayerNorm", "epsilon", 1)) is float


@pytest.mark.parametrize("value", [-1e-9, float("inf"), float("nan"), None, False])
def test_what_is_negative_or_not_finite_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"`epsilon` to be a finite number of at least 0"):
        arguments.non_negative("LayerNorm", "epsilon", value)


def test_one_axis_or_several_become_a_tuple() -> None:
    assert arguments.int_axes("Dropout", "broadcast_axes", -1) == (-1,)
    assert arguments.int_axes("Dropout", "broadcast_axes", [1, np.int32(2)]) == (1, 2)
    assert arguments.int_axes("Dropout", "broadcast_axes", ()) == ()


@pytest.mark.parametrize("value", [1.0, "12", (1, 2.0), None])
def test_axes_that_are_no_integers_are_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"`broadcast_axes` to be a tuple of integers"):
        arguments.int_axes("Dropout", "broadcast_axes", value)


def test_sizes_are_integers_or_symbols() -> None:
    batch, twice = symbolic_shape("batch, 2*batch")
    assert arguments.sizes("f", "batch_shape", (np.int64(2), batch, twice)) == (2, batch, twice)
    assert arguments.sizes("f", "batch_shape", 3) == (3,)
    assert arguments.positive_size("f", "max_length", batch) is batch
    assert arguments.positive_size("f", "max_length", np.int64(3)) == 3
    assert [arguments.is_size(value) for value in (0, batch, -1, 1.0, True)] == [
        *(True, True),
        *(False, False, False),
    ]
    for value in ("ab", 1.5, (1, None)):
        with pytest.raises(ArgumentError, match=r"tuple of integers.*`batch_shape=x.shape\[:1\]`"):
            arguments.sizes("f", "batch_shape", value)
    with pytest.raises(ArgumentError, match="integer of at least 1"):
        arguments.positive_size("f", "max_length", 0)


@pytest.mark.parametrize("value", ["bfloat16", jnp.bfloat16, jnp.dtype("bfloat16")])
def test_every_spelling_of_a_dtype_becomes_the_same(value: object) -> None:
    assert arguments.float_dtype("Linear", "dtype", value) is jnp.dtype("bfloat16")


@pytest.mark.parametrize("value", ["float33", jnp.int32, "bool", None, object, 3])
def test_what_is_no_floating_dtype_is_refused(value: object) -> None:
    with pytest.raises(
        ArgumentError, match=r"Linear: expected `param_dtype` to be a floating dtype"
    ):
        arguments.float_dtype("Linear", "param_dtype", value)


def test_an_optional_dtype_may_be_none() -> None:
    assert arguments.optional_dtype("Linear", "dtype", None) is None
    with pytest.raises(ArgumentError, match="received dtype='int8'"):
        arguments.optional_dtype("Linear", "dtype", "int8")


def test_positive_numbers() -> None:
    assert arguments.positive_number("RotaryEmbedding", "base", 3) == 3.0
    for value in (0, -1.0, float("inf"), float("nan"), "1", True):
        with pytest.raises(ArgumentError, match="`base` to be a finite number above 0"):
            arguments.positive_number("RotaryEmbedding", "base", value)


def test_which_arrays_have_values() -> None:
    seen: list[bool] = []
    jax.jit(lambda x: seen.append(arguments.has_values(x)))(jnp.ones(2))
    assert seen == [False]
    assert arguments.has_values(jnp.ones(2))
    assert arguments.has_values(np.ones(()))
    assert not arguments.has_values(np.ones(0))
