"""Names of what a collection holds."""

from typing import Any

import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import Accuracy, Mean, Metric, Metrics
from treexlite.metrics._naming import flat, unique


def names(items: Any) -> list[str]:
    return list(Metrics(items).metrics)


def test_keys_and_own_names() -> None:
    assert names(Accuracy()) == ["accuracy"]
    assert names([Accuracy(), Mean(name="size")]) == ["accuracy", "size"]
    assert names({"b": Accuracy(), "a": (Mean(), {"c": Mean()})}) == ["b", "a/mean", "a/c"]


def test_a_name_that_is_taken_gets_the_first_free_number() -> None:
    found = [Mean(name="a_1"), Mean(name="a"), Mean(name="a"), Mean(name="a")]
    assert names(found) == ["a_1", "a", "a_2", "a_3"]
    assert unique("a", ()) == "a"


def test_values_of_values_have_both_names() -> None:
    assert flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == {"a": 1, "b/c": 2, "b/d/e": 3}
    assert flat({"a": {"b": 1}, "a/b": 2}) == {"a/b": 1, "a/b_1": 2}


@pytest.mark.parametrize("items", ["accuracy", [Accuracy], {"a": None}, 3])
def test_what_is_no_metric_is_refused(items: Any) -> None:
    message = r"Metrics: expected a metric, or dicts and lists of them.*`tx\.metrics\.get\(name\)`"
    with pytest.raises(ArgumentError, match=message):
        Metrics(items)


@pytest.mark.parametrize("items", [[], {}, [[]]])
def test_nothing_is_refused(items: Any) -> None:
    message = r"Metrics: expected a metric, or dicts and lists of them, received .*at least one"
    with pytest.raises(ArgumentError, match=message):
        Metrics(items)


def test_one_object_under_two_names_is_refused() -> None:
    metric: Metric = Mean()
    message = "Metrics: expected objects of its own under each name, received the same .* as 'b'"
    with pytest.raises(ArgumentError, match=message):
        Metrics({"a": metric, "b": metric})
