"""Bringing a graph of modules home: new structure and data for the user's own objects.

In: a `Spec`, data for its slots, and the user's objects for some of its numbers. Out: the root.
    What
mutates: exactly those objects, in place; everything else is made new. This is the slow way, taken
when a function changed structure (added a module, counted in a plain int, appended to a list).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from treexlite._core._containers import Form, holds_module, items_of
from treexlite._core._graph import LEAF, Again, Spec
from treexlite._core._layout import Layout, OwnMethod, note_watched
from treexlite._core._record import instantiate, restructure
from treexlite._core._statics import fresh, static_key


def write_back(
    spec: Spec,
    values: Iterable[Any],
    modules: Mapping[int, Any],
    containers: Mapping[int, Any],
) -> Any:
    """Give a graph of modules the structure of `spec` and the data in `values`, in place.

    Args:
        spec: the structure to reach.
        values: the data, one for each slot.
        modules: the user's own module for some of the numbers; the others are made new.
        containers: the same for mutable containers.

    Returns:
        The root after the change.
    """
    return _Writer(iter(values), modules, containers).visit(spec.tree)


def numbers_among(before: Sequence[Any], after: Sequence[Any]) -> tuple[int | None, ...]:
    """Return for each object in `after` its number in `before`, or None for a new one."""
    numbers = {id(value): number for number, value in enumerate(before)}
    return tuple(numbers.get(id(value)) for value in after)


def renumbered(origin: Sequence[int | None], own: Sequence[Any]) -> dict[int, Any]:
    """Return the user's own objects under their new numbers."""
    return {new: own[old] for new, old in enumerate(origin) if old is not None}


_ABSENT = object()


class _Writer:
    """The recursion of `write_back`."""

    def __init__(
        self, values: Iterator[Any], modules: Mapping[int, Any], containers: Mapping[int, Any]
    ) -> None:
        self.values = values
        self.own_modules, self.own_containers = modules, containers
        self.modules: list[Any] = []
        self.containers: list[Any] = []

    def visit(self, node: Any, hint: Any = None) -> Any:
        if node is LEAF:
            return next(self.values)
        if type(node) is int:
            return self.modules[node]
        if type(node) is Again:
            return self.containers[node.number]
        if type(node[0]) is Layout:
            return self.visit_module(node)
        return self.visit_container(node, hint if _is_container_like(node, hint) else None)

    def visit_container(self, node: Any, hint: Any = None) -> Any:
        form: Form = node[0]
        number = len(self.containers)
        if form.mutable:
            self.containers.append(None)
        own = self.own_containers.get(number, hint) if form.mutable else None
        inner = dict(items_of(own) or ())
        container = form.rebuild(
            [
                self.visit(child, inner.get(key))
                for key, child in zip(form.keys, node[1:], strict=True)
            ]
        )
        if form.mutable:
            container = container if own is None else _refill(own, container)
            self.containers[number] = container
        return container

    def visit_module(self, node: Any) -> Any:
        layout: Layout = node[0]
        module = self.own_modules.get(len(self.modules))
        if module is None:
            module = instantiate(layout)
        self.modules.append(module)
        attributes = module.__dict__
        data = dict(layout.template)
        before = {} if module._tx_layout is None else module._tx_layout.statics
        for name, child in zip(layout.nodes, node[1:], strict=True):
            hint = attributes.get(name) if name in before else None  # it held no module so far
            data[name] = self.visit(child, hint)
        for name, value in layout.statics.items():
            data[name] = (
                _static(attributes[name], value, before.get(name, _ABSENT))
                if name in attributes
                else fresh(value)
            )
        attributes.clear()
        attributes.update(data)
        for name, value in data.items():
            if type(value) is OwnMethod:
                attributes[name] = value.bind(module)
        restructure(module, layout)
        note_watched(module, layout)
        return module


def _is_container_like(node: Any, value: Any) -> bool:
    """Whether `node` describes a container like `value`, which held no module so far."""
    is_container = type(node) is tuple and type(node[0]) is Form and node[0].mutable
    return is_container and node[0].type is type(value) and not holds_module(value)


def _static(own: Any, value: Any, before: Any) -> Any:
    """Return the user's own static value, changed in place if the function changed its copy."""
    if type(value) is OwnMethod:
        return value
    key = static_key(value)
    if key == static_key(own) or (before is not _ABSENT and key == static_key(before)):
        return own
    same = type(own) is type(value) and isinstance(value, (list, dict, set))
    return _refill(own, fresh(value)) if same else fresh(value)


def _refill(own: Any, container: Any) -> Any:
    """Give the user's own container the elements of another."""
    if isinstance(own, list):
        own[:] = container
    elif isinstance(own, (dict, set)):
        elements = container.copy()
        own.clear()
        own.update(elements)
    else:
        for field in dataclasses.fields(own):
            if hasattr(container, field.name):
                setattr(own, field.name, getattr(container, field.name))
    return own
