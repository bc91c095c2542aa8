"""Bringing a graph of modules home: new structure and data for the user's own objects.

In: a `Spec`, data for its slots, and the user's objects for some of its numbers. Out: the root.
What mutates: exactly those objects, in place; everything else is made new. `write_back` is the slow
way, taken when a function changed structure (added a module, counted in a plain int, appended to a
list); `replace_data` changes data alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from treexlite._core._containers import Form
from treexlite._core._graph import LEAF, Again, Spec, modules_of, walk
from treexlite._core._identity import Copies, Own
from treexlite._core._layout import Layout, OwnMethod, layout_of, note_watched
from treexlite._core._lazy import PENDING
from treexlite._core._lost import note_write
from treexlite._core._record import Modes, instantiate, restructure
from treexlite._core._statics import fresh, is_refillable, static_key


def write_back(spec: Spec, values: Iterable[Any], own: Own) -> Any:
    """Give a graph of modules the structure of `spec` and the data in `values`, in place.

    Args:
        spec: the structure to reach.
        values: the data, one for each slot.
        own: the user's own objects; what is not among them is made new.

    Returns:
        The root after the change.
    """
    return _Writer(iter(values), own).visit(spec.tree)


def replace_data(root: Any, change: Callable[[Any], Any]) -> None:
    """Put `change(value)` in the place of all data below a module, one slot after the other.

    What nobody else holds is freed on the way. The structure stays, so nothing has to be walked
    again.

    Args:
        root: the module, changed in place.
        change: gets the data of one slot, an array or a tree of them, and returns the like.
    """
    found = walk(root)
    modules = modules_of(root, found)
    if found.snapshot is not None:
        own = Copies(modules, found.containers).unchanged(found.containers)
        write_back(found.spec, map(change, found.snapshot), own)
        return
    for owner, name in zip(found.owners, found.names, strict=True):
        owner[name] = change(owner[name])
    for module in modules:
        layout = layout_of(module)
        if layout.watch:
            note_watched(module, layout)


class _Writer:
    """The recursion of `write_back`."""

    def __init__(self, values: Iterator[Any], own: Own) -> None:
        self.values = values
        self.own = own
        self.modules: list[Any] = []
        self.containers: list[Any] = []

    def visit(self, node: Any) -> Any:
        if node is LEAF:
            return next(self.values)
        if type(node) is int:
            return self.modules[node]
        if type(node) is Again:
            return self.containers[node.number]
        if type(node[0]) is Layout:
            return self.visit_module(node)
        return self.visit_container(node)

    def visit_container(self, node: Any) -> Any:
        form: Form = node[0]
        number = len(self.containers)
        if form.mutable:
            self.containers.append(None)
        container = form.rebuild([self.visit(child) for child in node[1:]])
        if form.mutable:
            own = self.own.containers.get(number)
            container = container if own is None else refill(own, container)
            self.containers[number] = container
        return container

    def visit_module(self, node: Any) -> Any:
        layout: Layout = node[0]
        number = len(self.modules)
        module = self.own.modules.get(number)
        if module is None:
            module = instantiate(layout)
        self.modules.append(module)
        attributes = module.__dict__
        data = dict(layout.template)
        for name, child in zip(layout.nodes, node[1:], strict=True):
            data[name] = self.visit(child)
        for name, value in layout.statics.items():
            data[name] = self.static(number, name, value, attributes, module)
        if module._tx_version < 0:
            note_changes(module, layout, data)
        attributes.clear()
        attributes.update(data)
        restructure(module, layout)
        note_watched(module, layout)
        return module

    def static(
        self, number: int, name: str, value: Any, attributes: dict[str, Any], module: Any
    ) -> Any:
        """Return a static attribute: the user's own object where the program kept it."""
        if type(value) is OwnMethod:
            return value.bind(module)
        known = self.own.statics.get((number, name))
        if known is not None:
            own, changed = known
            return refill(own, fresh(value)) if changed else own
        if not is_refillable(value) and name in attributes:
            own = attributes[name]
            return own if static_key(own) == static_key(value) else fresh(value)
        return fresh(value)


def note_changes(module: Any, layout: Layout, data: dict[str, Any]) -> None:
    """Take note of what differs between an unflattened module and what it is to become."""
    attributes = module.__dict__
    for name in {**attributes, **data}:
        before, after = attributes.get(name, PENDING), data.get(name, PENDING)
        if before is not after and module._tx_version < 0:
            note_write(module, name, before, after)
    for mode, before, after in zip(Modes._fields, module._tx_modes, layout.flags, strict=True):
        if before != after and module._tx_version < 0:
            note_write(module, mode, before, after)


def refill(own: Any, container: Any) -> Any:
    """Give the user's own container the elements of another."""
    if isinstance(own, np.ndarray):
        if (own.shape, own.dtype) != (container.shape, container.dtype):
            return container
        own[...] = container
    elif isinstance(own, list):
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
