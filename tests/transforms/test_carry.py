from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.transforms._carry import Carry


def test_entering_and_leaving_gives_the_next_state() -> None:
    model = Stateful()
    carry = Carry("loop", (model,), {"x": X[0]})
    step = carry.enter(carry.start)
    assert step.known[0] is not model
    out = step.known[0](step.carry["x"])
    state = carry.leave(step, {"x": out})
    assert int(model.count) == 0
    final = carry.finish(state)
    other = Stateful()
    assert_same(final["x"], other(X[0]))
    assert_same(model, other)


def test_what_was_not_written_is_not_written_back() -> None:
    model = Stateful()
    before = model.w
    carry = Carry("loop", (), model)
    step = carry.enter(carry.start)
    step.carry.bump(1.0)
    assert not step.untouched()
    assert carry.finish(carry.leave(step, step.carry)) is model
    assert model.w is before
    assert len(carry.changed) == 1


def test_a_module_in_another_place_is_refused() -> None:
    one, two = Stateful(), Stateful()
    carry = Carry("loop", (), (one, 1))
    step = carry.enter(carry.start)
    with pytest.raises(StructureError, match="carry like"):
        carry.leave(step, (1, step.carry[0]))
    carry = Carry("loop", (), (one, two))
    step = carry.enter(carry.start)
    with pytest.raises(StructureError, match="structure"):
        carry.leave(step, (step.carry[0], step.carry[0]))


def test_swapped_modules_are_replaced_ones() -> None:
    one, two = Stateful(), Stateful()
    two.w = 2 * two.w
    carry = Carry("loop", (), (one, two))
    step = carry.enter(carry.start)
    first, second = carry.finish(carry.leave(step, step.carry[::-1]))
    assert first is not one
    assert_same((first.w, second.w), (2 * one.w, one.w))
    assert_same(one, Stateful())


def test_an_array_of_another_type_is_named() -> None:
    carry = Carry("loop", (), {"a": jnp.zeros(2)})
    carry.leave(carry.enter(carry.start), {"a": jnp.zeros(3)})
    with pytest.raises(ShapeError, match=r"the carry\['a'\]"), carry.explained():
        raise TypeError("JAX refuses")


@pytest.mark.parametrize("value", [None, (1.0, 2.0)])
def test_a_field_that_holds_another_tree_is_named(value: Any) -> None:
    carry = Carry("loop", (), Stateful())
    step = carry.enter(carry.start)
    step.carry.memory = value
    with pytest.raises(StructureError, match=r"field `memory` to keep its structure, \*"):
        carry.leave(step, step.carry)


def test_only_data_can_be_carried() -> None:
    with pytest.raises(ArgumentError, match="'text'"):
        Carry("loop", (), "text")
