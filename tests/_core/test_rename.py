from __future__ import annotations

import pytest

from treexlite._core._rename import Rename, renamed
from treexlite._errors import ArgumentError


def names(rename: Rename | None, *paths: str) -> list[str]:
    return list(renamed("load", dict.fromkeys(paths), rename))


def test_without_rules_everything_keeps_its_name() -> None:
    assert names(None, "a/w", "b") == ["a/w", "b"]


def test_a_plain_path_stands_for_what_is_below_it() -> None:
    assert names({"old": "new"}, "old", "old/w", "older/w") == ["new", "new/w", "older/w"]
    assert names({"x": ""}, "x/a", "b/x") == ["a", "b/x"]


def test_double_stars_stand_for_any_number_of_parts() -> None:
    assert names({"old/**": "new/**"}, "old/a/w", "old", "older") == ["new/a/w", "new", "older"]
    assert names({"**/scale": "**/gamma"}, "a/b/scale", "scale") == ["a/b/gamma", "gamma"]


def test_a_star_stands_for_a_part_and_wildcards_keep_their_order() -> None:
    rules = {"blocks/*/attn/**": "layers/*/attention/**"}
    assert names(rules, "blocks/3/attn/q/w") == ["layers/3/attention/q/w"]
    assert names(rules, "blocks/3/mlp/w", "blocks/attn/w") == ["blocks/3/mlp/w", "blocks/attn/w"]


def test_the_longest_rule_counts_alone() -> None:
    rules = {"old": "a", "old/deep": "c", "a": "z"}
    assert names(rules, "old/w", "old/deep/w") == ["a/w", "c/w"]


def test_other_characters_mean_themselves() -> None:
    assert names({"a.b": "c"}, "a.b/w", "axb/w") == ["c/w", "axb/w"]


def test_a_function_is_asked_for_every_path() -> None:
    assert names(str.upper, "a", "b/c") == ["A", "B/C"]


def test_two_entries_with_one_name_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^load: expected `rename` .* become 'w'"):
        names(lambda path: "w", "a", "b")


@pytest.mark.parametrize("rule", [{"old/**": "new"}, {"*/w": "**/w"}, {"old": "new/*"}])
def test_wildcards_have_to_correspond(rule: dict[str, str]) -> None:
    with pytest.raises(ArgumentError, match="the wildcards of an old path in its new path"):
        names(rule, "a")
