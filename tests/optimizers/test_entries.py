from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from treexlite.optimizers._entries import restricted, strongly_typed, union


class State(NamedTuple):
    count: int
    mu: dict[str, int]


def test_a_state_is_restricted_to_paths_and_keeps_their_values() -> None:
    fresh, old = State(0, {"a": 0, "c": 0}), State(5, {"a": 1, "b": 2})
    assert restricted((fresh,), (old,)) == (State(5, {"a": 1, "c": 0}),)


def test_a_union_has_the_new_values_and_what_only_the_old_one_had() -> None:
    old, new = State(5, {"a": 1, "b": 2}), State(6, {"c": 4, "a": 3})
    merged = union(({"g": old},), ({"g": new},))
    assert merged == ({"g": State(6, {"a": 3, "b": 2, "c": 4})},)
    assert list(merged[0]["g"].mu) == ["a", "b", "c"]
    assert isinstance(merged[0]["g"], State)


def test_types_become_those_of_arrays() -> None:
    weak, strong = jnp.asarray(2.0), jnp.float32(1.0)
    assert weak.weak_type
    state = strongly_typed((State(0, {}), {"a": weak, "b": strong}))
    assert not state[1]["a"].weak_type
    assert float(state[1]["a"]) == 2.0
    assert state[1]["b"] is strong
