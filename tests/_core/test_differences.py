"""Differences between structures are found, with their paths, and nothing else is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, Zoo
from treexlite._core._differences import ABSENT, Difference, differences
from treexlite._core._graph import walk


@dataclasses.dataclass
class Pair:
    first: Any
    second: Any


class Model(tx.Module):
    w: Any = tx.Parameter.node(1.0)

    def __init__(self) -> None:
        self.layers = [Scale(), Counter()]
        self.named = {"a": Scale(), "size": 3}
        self.pair = Pair(Scale(), "x")
        self.rate = 0.1
        self.table = np.arange(3)
        self.log: list[Any] = []
        self.other_log: list[Any] = []


def share(model: Model) -> None:
    model.layers[0] = model.named["a"]


def share_log(model: Model) -> None:
    model.other_log = model.log


CHANGES: dict[str, tuple[Callable[[Model], Any], list[tuple[str, str, str, str]]]] = {
    "static": (lambda m: setattr(m, "rate", 0.2), [("rate", "static", "0.1", "0.2")]),
    "other type": (lambda m: setattr(m, "rate", np.float64(0.1)), [("rate", "static", "0.1", "*")]),
    "new static": (lambda m: setattr(m, "late", 1), [("late", "static", ABSENT, "1")]),
    "gone static": (lambda m: delattr(m, "rate"), [("rate", "static", "0.1", ABSENT)]),
    "numpy": (
        lambda m: setattr(m, "table", np.arange(2)),
        [("table", "static", "array of shape (3,) and dtype int64, [0 1 2]", "*[0 1]")],
    ),
    "in place": (lambda m: m.log.append(1), [("log", "static", "[]", "[1]")]),
    "nested static": (
        lambda m: setattr(m.layers[1], "tag", "t"),
        [("layers/1/tag", "static", ABSENT, "'t'")],
    ),
    "class": (
        lambda m: m.layers.__setitem__(1, Scale()),
        [("layers/1", "class", "Counter", "Scale")],
    ),
    "length": (lambda m: m.layers.append(Scale()), [("layers", "length", "2", "3")]),
    "shorter": (lambda m: m.layers.pop(), [("layers", "length", "2", "1")]),
    "new field": (lambda m: setattr(m, "head", Scale()), [("head", "field", ABSENT, "Scale")]),
    "static to node": (lambda m: setattr(m, "rate", Scale()), [("rate", "field", "0.1", "Scale")]),
    "node to static": (
        lambda m: setattr(m, "pair", 1),
        [("pair", "field", "Pair", "1")],
    ),
    "key": (
        lambda m: m.named.__setitem__("b", Scale()),
        [("named/b", "field", ABSENT, "Scale")],
    ),
    "gone key": (lambda m: m.named.pop("size"), [("named/size", "field", "3", ABSENT)]),
    "static in a dict": (
        lambda m: m.named.__setitem__("size", 4),
        [("named/size", "static", "3", "4")],
    ),
    "static in a dataclass": (
        lambda m: setattr(m.pair, "second", "y"),
        [("pair/second", "static", "'x'", "'y'")],
    ),
    "static becomes data": (
        lambda m: setattr(m.pair, "second", Scale()),
        [("pair/second", "type", "'x'", "Scale")],
    ),
    "container": (
        lambda m: setattr(m, "layers", tuple(m.layers)),
        [("layers", "type", "list", "tuple")],
    ),
    "data becomes a container": (
        lambda m: setattr(m, "w", [Scale()]),
        [("w", "type", "data", "list")],
    ),
    "modes once": (lambda m: m.eval(inplace=True), [("training", "mode", "True", "False")]),
    "mode of a part": (
        lambda m: m.layers[0].freeze(inplace=True),
        [("layers/0/frozen", "mode", "False", "True")],
    ),
    "sharing": (
        share,
        [("named/a", "sharing", "Scale", "the module at `layers/0`")],
    ),
    "sharing of statics": (share_log, [("", "sharing", "nothing", "`other_log`")]),
    "several": (
        lambda m: (setattr(m, "rate", 1.0), m.layers.clear()),
        [("rate", "static", "0.1", "1.0"), ("layers", "*", "*", "*")],
    ),
}


def matches(found: str, expected: str) -> bool:
    return found.endswith(expected[1:]) if expected.startswith("*") else found == expected


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_by_its_path(name: str) -> None:
    change, expected = CHANGES[name]
    model = Model()
    before = walk(model).spec
    change(model)
    found = differences(before, walk(model).spec)
    assert len(found) == len(expected), found
    for difference, texts in zip(found, expected, strict=True):
        assert all(map(matches, difference, texts)), difference


def test_equal_structures_have_none() -> None:
    assert differences(walk(Model()).spec, walk(Model()).spec) == []


def test_paths_begin_at_the_named_root() -> None:
    model, shared = Model(), Model()
    share(shared)
    found = differences(walk(model).spec, walk(shared).spec, "model")
    assert found == [
        Difference("model/named/a", "sharing", "Scale", "the module at `model/layers/0`")
    ]
    assert str(found[0]) == "sharing `model/named/a`: Scale -> the module at `model/layers/0`"


def test_a_module_before_others_shifts_no_sharing() -> None:
    class Tied(tx.Module):
        def __init__(self, extra: bool) -> None:
            self.first = [Scale()] * (1 + extra) if extra else [Scale()]
            self.shared = Counter()
            self.again = self.shared

    found = differences(walk(Tied(False)).spec, walk(Tied(True)).spec)
    assert [d.what for d in found] == ["length"]


def test_the_order_of_attributes_counts_when_nothing_else_differs() -> None:
    one, two = Zoo(), Zoo()
    for model, names in ((one, "xy"), (two, "yx")):
        for name in names:
            setattr(model, name, 1)
    assert [d.what for d in differences(walk(one).spec, walk(two).spec)] == ["order"]


def test_every_change_of_structure_is_found() -> None:
    """Whatever makes two specs different gives at least one difference."""
    for change, _ in CHANGES.values():
        model = Model()
        before = walk(model).spec
        change(model)
        after = walk(model).spec
        assert differences(before, after)
        assert differences(after, before)
