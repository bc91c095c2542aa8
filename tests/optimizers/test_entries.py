from __future__ import annotations

from typing import NamedTuple

from treexlite.optimizers._entries import restricted, union


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
