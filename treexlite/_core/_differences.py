"""What differs between two structures, by path, in words.

In: two interned `Spec`s, as `walk` gives them. Out: `Difference`s: which static has another value,
which field, element or module is new, gone or of another class, which mode changed, what is shared
otherwise. Errors and explanations are made of them; nothing here keeps a module or an array.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from treexlite._core._containers import Form
from treexlite._core._graph import LEAF, Again, Spec
from treexlite._core._layout import Layout, OwnMethod
from treexlite._core._paths import join, places
from treexlite._core._record import Modes
from treexlite._core._statics import static_key
from treexlite._errors import describe

ABSENT = "(absent)"
"""Stands for the side of a difference on which there is nothing."""


class Difference(NamedTuple):
    """One difference.

    Attributes:
        path: where, such as `layers/1/rate`; `""` is the root.
        what: `"static"`, `"mode"`, `"class"`, `"field"`, `"length"`, `"type"`, `"order"` or
            `"sharing"`.
        old: what was there before, in words; `ABSENT` for nothing.
        new: what is there now.
    """

    path: str
    what: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what} `{self.path}`: {self.old} -> {self.new}"


def differences(before: Spec, after: Spec, root: str = "") -> list[Difference]:
    """Return what differs, in the order of the fields; an empty list when nothing does.

    Args:
        before: a structure.
        after: another one.
        root: the name of the root, with which all paths begin.
    """
    if before is after:
        return []
    comparison = _Comparison(before, after, root)
    comparison.visit(before.tree, after.tree, root, frozenset())
    comparison.compare_shared_statics()
    return comparison.found or [Difference(root, "order", "one order", "another")]


def shown(value: Any) -> str:
    """Return a static value in a few words."""
    if type(value) is OwnMethod:
        return f"its own method {getattr(value.function, '__name__', '')}".strip()
    if isinstance(value, np.ndarray):
        text = describe(value)
        return f"{text}, {' '.join(str(value).split())}" if value.size <= 8 else text
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class _Comparison:
    """The recursion of `differences`."""

    def __init__(self, before: Spec, after: Spec, root: str) -> None:
        self.before, self.after, self.root = before, after, root
        self.found: list[Difference] = []

    def add(self, path: str, what: str, old: str, new: str) -> None:
        self.found.append(Difference(path, what, old, new))

    def visit(self, old: Any, new: Any, path: str, modes: frozenset[Any]) -> None:
        """Compare two nodes; `modes` are the changes of mode that were reported above."""
        pair = (type(old), type(new))
        if pair == (tuple, tuple):
            heads = (type(old[0]), type(new[0]))
            if heads == (Layout, Layout):
                self.visit_module(old, new, path, modes)
            elif heads == (Form, Form):
                self.visit_container(old, new, path, modes)
            else:
                self.add(path, "type", _named(old), _named(new))
        elif pair == (int, int) or pair == (Again, Again):
            first, second = self.alias(self.before, old), self.alias(self.after, new)
            if first != second:
                self.add(path, "sharing", first, second)
        elif old is not new:
            what = "sharing" if {int, Again} & set(pair) else "type"
            self.add(path, what, self.alias(self.before, old), self.alias(self.after, new))

    def alias(self, spec: Spec, node: Any) -> str:
        """Name a node, one that was visited before by its first path."""
        if type(node) is int:
            path = places(spec).modules[node]
            return f"the module at `{join(self.root, path) if path else self.root}`"
        return "a container that is shared" if type(node) is Again else _named(node)

    def visit_module(self, old: Any, new: Any, path: str, modes: frozenset[Any]) -> None:
        before, after = old[0], new[0]
        if before.cls is not after.cls:
            self.add(path, "class", before.cls.__name__, after.cls.__name__)
            return
        if before is not after:
            modes = self.compare_modes(before, after, path, modes)
            self.compare_statics(before, after, path)
        first = dict(zip(before.nodes, old[1:], strict=True))
        second = dict(zip(after.nodes, new[1:], strict=True))
        for name in {**first, **second}:
            here = join(path, name)
            if name in first and name in second:
                self.visit(first[name], second[name], here, modes)
            elif name in first:
                self.add(here, "field", _named(first[name]), _static(after, name))
            else:
                self.add(here, "field", _static(before, name), _named(second[name]))

    def compare_modes(
        self, before: Layout, after: Layout, path: str, known: frozenset[Any]
    ) -> frozenset[Any]:
        changes = [
            (name, old, new)
            for name, old, new in zip(Modes._fields, before.flags, after.flags, strict=True)
            if old != new
        ]
        for name, old, new in changes:
            if (name, str(old), str(new)) not in known:
                self.add(join(path, name), "mode", shown(old), shown(new))
        return known | {(name, str(old), str(new)) for name, old, new in changes}

    def compare_statics(self, before: Layout, after: Layout, path: str) -> None:
        for name in {**before.statics, **after.statics}:
            if name not in before.template or name not in after.template:
                self.add(join(path, name), "static", _static(before, name), _static(after, name))
            elif name in before.statics and name in after.statics:
                self.compare_values(before.statics[name], after.statics[name], join(path, name))

    def compare_values(self, old: Any, new: Any, path: str) -> None:
        if old is not new and static_key(old) != static_key(new):
            self.add(path, "static", shown(old), shown(new))

    def visit_container(self, old: Any, new: Any, path: str, modes: frozenset[Any]) -> None:
        before, after = old[0], new[0]
        if (before.kind, before.type) != (after.kind, after.type):
            self.add(path, "type", before.type.__name__, after.type.__name__)
            return
        first, second = _elements(old), _elements(new)
        if before.kind == "sequence" and len(first) != len(second):
            self.add(path, "length", str(len(first)), str(len(second)))
        for key in {**first, **second}:
            here = join(path, key)
            if key in first and key in second:
                self.visit_element(first[key], second[key], here, modes)
            elif before.kind != "sequence":
                self.add(here, "field", _part(first.get(key)), _part(second.get(key)))

    def visit_element(self, old: Any, new: Any, path: str, modes: frozenset[Any]) -> None:
        if old[0] == new[0] == "static":
            self.compare_values(old[1], new[1], path)
        elif old[0] == new[0]:
            self.visit(old[1], new[1], path, modes)
        else:
            self.add(path, "type", _part(old), _part(new))

    def compare_shared_statics(self) -> None:
        if self.before.shared != self.after.shared and not self.found:
            groups = [
                ", ".join(_place(spec, place, self.root) for place, _ in spec.shared) or "nothing"
                for spec in (self.before, self.after)
            ]
            self.add(self.root, "sharing", *groups)


def _elements(node: Any) -> dict[Any, tuple[str, Any]]:
    """Return the elements of a container in their order, what is data and what is not."""
    form: Form = node[0]
    found = {key: ("node", child) for key, child in zip(form.keys, node[1:], strict=True)}
    found.update((key, ("static", static.value)) for key, static in form.rest)
    if form.kind == "sequence":
        return dict(sorted(found.items()))
    return {key: found[key] for key in form.order} if form.order else found


def _part(element: tuple[str, Any] | None) -> str:
    if element is None:
        return ABSENT
    return shown(element[1]) if element[0] == "static" else _named(element[1])


def _named(node: Any) -> str:
    if node is LEAF:
        return "data"
    if type(node) is tuple:
        head = node[0]
        return str(head.cls.__name__ if type(head) is Layout else head.type.__name__)
    return "a shared part"


def _static(layout: Layout, name: str) -> str:
    return shown(layout.statics[name]) if name in layout.statics else ABSENT


def _place(spec: Spec, place: tuple[int, str], root: str) -> str:
    path = places(spec).modules[place[0]]
    return f"`{join(join(root, path) if path else root, place[1])}`"
