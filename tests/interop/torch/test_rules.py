"""Rules: names for paths, and what cannot be meant."""

import pytest

from treexlite._errors import ArgumentError
from treexlite.interop.torch import Rules, linear, norm
from treexlite.interop.torch._rules import as_rules, filled, pattern


def test_blanks_repeat_what_stars_stood_for() -> None:
    found = pattern("stages/*/layers/*/conv*").fullmatch("stages/0/layers/3/conv2")
    assert found is not None
    assert filled("layer{+1}.{}.conv{-1}", found.groups()) == "layer1.3.conv1"
    assert pattern("stages/*/conv").fullmatch("stages/0/1/conv") is None
    assert pattern("a.b").fullmatch("axb") is None


def test_a_word_has_no_next_one() -> None:
    message = (
        r"Rules: expected a number where 'a\{\+1\}' has \{\+1\}, received 'left'. Write `\{\}`"
    )
    with pytest.raises(ArgumentError, match=message):
        filled("a{+1}", ("left",))


@pytest.mark.parametrize(("path", "name"), [("a/*", "b"), ("a", "b{}"), ("*/*", "{}")])
def test_each_star_needs_a_blank(path: str, name: str) -> None:
    message = r"a blank `\{\}` in the name for each `\*` in the path, \d, received \d in"
    with pytest.raises(ArgumentError, match=message):
        Rules({path: linear(name)})


def test_a_model_within_a_larger_one() -> None:
    rules = Rules({"a": "x", "b": norm("y")}, {"z": "x"}, ("mask*",)).prefixed("deep.", "body")
    names = [name for layout in rules.entries.values() for link in layout.links
             for name in link.theirs]  # fmt: skip
    assert names == ["deep.x", "deep.y.weight", "deep.y.bias"]
    assert list(rules.layouts) == ["body/a", "body/b"]
    assert (dict(rules.tied), rules.ignored) == ({"deep.z": "deep.x"}, ("deep.mask*",))


def test_later_rules_replace_earlier_ones() -> None:
    rules = Rules({"a": "x", "b": "y"}, {"t": "x"}, ("m",)) | Rules({"b": "z"}, {}, ("n",))
    assert dict(rules.layouts) == {"a": "x", "b": "z"}
    assert (dict(rules.tied), rules.ignored) == ({"t": "x"}, ("m", "n"))
    assert as_rules(rules) is rules
    assert dict(as_rules({"a": "x"}).layouts) == {"a": "x"}
