from __future__ import annotations

from typing import Any

import optax
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.optimizers._groups import Grouped
from treexlite.optimizers._source import as_source
from treexlite.optimizers._transformation import Finished, Made


def test_names_factories_and_transformations_become_rules() -> None:
    assert as_source("adam", 0.5, None, {}).rule == Made(optax.adam)
    assert as_source(optax.adam, 0.5, None, {"b1": 0.8}).rule == Made(
        optax.adam, None, (("b1", 0.8),)
    )
    transformation = optax.adam(0.1)
    assert as_source(transformation, None, None, {}) == (Finished(transformation), None)


def test_groups_take_all_of_these_and_optimizers() -> None:
    rule, rate = as_source(
        {"a": "adam", "b": optax.sgd(0.1), "c": tx.Optimizer("sgd", 0.5), "d": "frozen", ...: None},
        None,
        None,
        {},
    )
    assert isinstance(rule, Grouped)
    assert [group.label for group in rule.groups] == ["a", "b", "c", "d", "..."]
    assert [group.rule is None for group in rule.groups] == [False, False, False, True, True]
    assert {label: round(float(r), 3) for label, r in rate.items()} == {"a": 0.001, "c": 0.5}


def test_filters_that_look_alike_get_labels_of_their_own() -> None:
    first, second = (lambda info: True), (lambda info: False)
    rule, _ = as_source({first: "adam", second: "sgd"}, None, None, {})
    assert isinstance(rule, Grouped)
    assert [group.label for group in rule.groups] == ["<lambda>", "<lambda>#2"]


@pytest.mark.parametrize("value", [3, None, [optax.sgd(0.1)], {}, Scale(1.0), tx.Optimizer("sgd")])
def test_other_things_move_no_parameters(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"Optimizer: expected a name, a function such as"):
        as_source(value, None, None, {})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"learning_rate": 0.1}, "learning_rate beside"),
        ({"b1": 0.9}, "b1 beside"),
        ({"decay": "**/w"}, "decay beside"),
    ],
)
def test_a_finished_transformation_takes_no_options(arguments: Any, named: str) -> None:
    with pytest.raises(ArgumentError, match=f"received {named}.*Pass the factory"):
        tx.Optimizer(optax.adam(0.1), **arguments)


def test_groups_do_not_nest() -> None:
    with pytest.raises(ArgumentError, match="groups inside of the group 'a'"):
        tx.Optimizer({"a": {"b": "sgd"}})
    with pytest.raises(ArgumentError, match="groups inside of the group 'a'"):
        tx.Optimizer({"a": tx.Optimizer({"b": "sgd"}, clip_norm=1.0)})


def test_the_errors_of_a_group_are_those_of_its_value() -> None:
    with pytest.raises(UnknownNameError, match="adem"):
        tx.Optimizer({"a": "adem"})
