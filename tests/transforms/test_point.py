from __future__ import annotations

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, PathError
from treexlite.transforms._lift import commit
from treexlite.transforms._pack import pack
from treexlite.transforms._point import Point, as_filters, choose


def test_a_call_as_a_function_of_what_is_differentiated() -> None:
    model, other = Stateful(), Stateful()
    packed = pack((model, X[0]), {})
    choice = choose("f", packed, [0], None)
    point = Point("f", lambda m, x: m(x), packed, [0], choice, False)
    assert_same(point.inputs[0], [model.w])
    value, (payload, node) = point.inner([2 * model.w], point.inputs[1])
    commit(packed, payload, node.value)
    other.w = 2 * other.w
    assert_same(value, other(X[0]))
    other.w = model.w
    assert_same(model, other)


def test_filters_choose() -> None:
    packed = pack((Stateful(),), {})
    assert choose("f", packed, [0], (tx.BatchStat,)).numbers == [3]
    assert choose("f", packed, [0], (...,)).numbers == [0, 3, 4, 5]
    assert choose("f", pack((Stateful().freeze(),), {}), [0], None).numbers == []
    with pytest.raises(PathError, match="nowhere"):
        choose("f", packed, [0], ("nowhere/*",))


def test_one_filter_or_several() -> None:
    assert as_filters(None) is None
    assert as_filters("a") == ("a",)
    assert as_filters([tx.State, "a"]) == (tx.State, "a")


def test_the_value_must_be_arrays() -> None:
    with pytest.raises(ArgumentError, match="a Stateful in its result"):
        tx.grad(lambda m: {"a": m})(Stateful())
    assert jnp.ones(()).shape == ()
