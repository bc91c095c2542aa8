"""What losses are given: parts, masks, options."""

from collections import namedtuple
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError, StructureError
from treexlite.losses._arguments import (
    check_embeddings,
    check_mask,
    floating,
    number,
    parts_of,
    share,
)

A, B = np.zeros((2, 3), np.float16), np.ones((2, 3), np.int32)
Pair = namedtuple("Pair", ["a", "b"])


@pytest.mark.parametrize("preds", [(A, B), [A, B], {"b": B, "a": A}, Pair(A, B)])
def test_parts_are_taken_by_place_or_by_name_in_single_precision(preds: Any) -> None:
    a, b = parts_of("here", preds, ("a", "b"))
    assert a.dtype == b.dtype == jnp.float32
    np.testing.assert_array_equal(a, A)
    np.testing.assert_array_equal(b, B)


@pytest.mark.parametrize(
    ("preds", "received"),
    [
        ((A,), "a tuple of 1"),
        ({"a": A, "c": B}, "a dict with keys 'a', 'c'"),
        (A, r"array of shape \(2, 3\)"),
        (None, "None"),
    ],
)
def test_other_parts_are_refused(preds: Any, received: str) -> None:
    message = rf"here: expected `preds` to be a tuple \(a, b\), or a dict .* preds={received}"
    with pytest.raises(StructureError, match=message):
        parts_of("here", preds, ("a", "b"))


@pytest.mark.parametrize("x", [None, {"a": 1}, "text", jnp.zeros(2, jnp.complex64)])
def test_what_holds_no_numbers_is_refused(x: Any) -> None:
    with pytest.raises(DataError, match="here: expected `x` to be an array of real numbers"):
        floating("here", "x", x)


def test_shares_are_between_0_and_1() -> None:
    x = jnp.array([0.0, 0.5, 1.0, 1.0005, jnp.nan])
    np.testing.assert_array_equal(share("here", "x", x), x)
    x = jnp.array([-0.5, 0.25, 2.0, jnp.nan])
    with pytest.raises(RangeError, match=r"`x` between 0 and 1, received values from -0.5 to 2"):
        share("here", "x", x)
    traced = jax.jit(lambda x: share("here", "x", x))(x)
    np.testing.assert_array_equal(traced, [np.nan, 0.25, np.nan, np.nan])


def test_embeddings_of_other_shapes_are_refused() -> None:
    a, b = jnp.zeros((2, 3)), jnp.zeros((2, 1, 3))
    check_embeddings("here", a=a, b=a)
    message = r"here: expected `a` and `b` of one shape \(batch, features\), received a.shape="
    for other in (b, a[:1]):
        with pytest.raises(ShapeError, match=message):
            check_embeddings("here", a=a, b=other)
    with pytest.raises(ShapeError, match=r"expected `b` of one shape"):
        check_embeddings("here", b=b)


def test_a_mask_has_one_entry_per_example() -> None:
    assert check_mask("here", None, 2) is None
    np.testing.assert_array_equal(check_mask("here", np.array([0.5, 0]), 2), [True, False])
    message = r"here: expected a mask \(or weights\) of shape \(2,\), .* shape=\(2, 1\)"
    with pytest.raises(ShapeError, match=message):
        check_mask("here", np.ones((2, 1)), 2)


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, None, "many", jnp.ones(2)])
def test_an_option_that_is_no_number_in_range_is_refused(value: Any) -> None:
    message = "here: expected `x` to be a finite number of at least 0, received x="
    with pytest.raises(ArgumentError, match=message):
        number("here", "x", value)


def test_an_option_is_a_float_or_traced() -> None:
    assert number("here", "x", np.float32(0)) == 0
    assert isinstance(number("here", "x", jnp.asarray(2)), float)
    assert jax.jit(lambda x: number("here", "x", x))(3.0) == 3
    with pytest.raises(ArgumentError, match="a finite number above 0"):
        number("here", "x", 0, positive=True)
    assert number("here", "x", -2, signed=True) == -2
    with pytest.raises(ArgumentError, match="to be a finite number, received x=nan"):
        number("here", "x", np.nan, signed=True)
