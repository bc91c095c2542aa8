"""Modules as graphs: taken apart into a structure and a list of arrays, and put together again.

In: any value with modules in it. `walk` visits every module once and gives a `Walk`: an interned,
hashable `Spec` (classes, statics, containers, sharing) and *slots*, a flat list of places where
data is stored. `Spec.build` makes fresh copies from the spec and new data; `write_back` brings what
happened to copies home into the user's own objects. Copying, filtering, initialising and all
transformations are these three steps, which is why sharing survives each of them.

A spec is a nested tuple: `(Layout, child, ...)` is a module, `(Form, child, ...)` a container, an
`int` a module visited before (by its number), and `LEAF` a slot. A slot holds an array or a tree
without modules.
"""

from __future__ import annotations

import operator
import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from treexlite._core._containers import Form, form_of, needs_form
from treexlite._core._layout import Layout, cycle, layout_of, note_watched
from treexlite._core._record import instantiate, set_watched, version_of, versions
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, MODULE_TYPES
from treexlite._core._statics import is_volatile
from treexlite._core._watch import same_elements


class _Leaf:
    __slots__ = ()

    def __repr__(self) -> str:
        return "LEAF"


LEAF = _Leaf()


class Again(NamedTuple):
    """A mutable container that was visited before, by its number."""

    number: int


class Built(NamedTuple):
    """What `Spec.build` made; modules and containers are in the order of their numbers."""

    root: Any
    modules: list[Any]
    containers: list[Any]


class Spec:
    """The structure of a graph of modules; equal structures are one object.

    Attributes:
        tree: the nested tuple described at the top of this file.
        shared: `(place, first place)` of mutable static values that stand in several attributes,
            where a place is a module number and a name.
        num_slots: how many slots there are.
        num_modules: how many distinct modules there are.
    """

    __slots__ = ("__weakref__", "cache", "num_modules", "num_slots", "shared", "tree")

    def __init__(self, tree: Any, shared: tuple[Any, ...]) -> None:
        self.tree, self.shared = tree, shared
        self.num_slots, self.num_modules = _count(tree)
        self.cache: dict[Any, Any] = {}

    def build(self, values: Iterable[Any]) -> Built:
        """Make fresh modules and containers around `values`, one for each slot."""
        builder = _Builder(iter(values))
        root = builder.visit(self.tree)
        for (number, name), (first, first_name) in self.shared:
            value = vars(builder.modules[first])[first_name]
            vars(builder.modules[number])[name] = value
            set_watched(builder.modules[number], None)  # it watches its own copy so far
        return Built(root, builder.modules, builder.containers)


def _count(tree: Any) -> tuple[int, int]:
    slots = modules = 0
    pending = [tree]
    while pending:
        node = pending.pop()
        if node is LEAF:
            slots += 1
        elif type(node) is tuple:
            modules += type(node[0]) is Layout
            pending.extend(node[1:])
    return slots, modules


class _Builder:
    """The recursion of `Spec.build`."""

    def __init__(self, values: Iterator[Any]) -> None:
        self.values = values
        self.modules: list[Any] = []
        self.containers: list[Any] = []

    def visit(self, node: Any) -> Any:
        if node is LEAF:
            return next(self.values)
        if type(node) is int:
            return self.modules[node]
        if type(node) is Again:
            return self.containers[node.number]
        head = node[0]
        return self.visit_module(node) if type(head) is Layout else self.visit_container(node)

    def visit_module(self, node: Any) -> Any:
        layout: Layout = node[0]
        module = instantiate(layout)
        self.modules.append(module)
        attributes = module.__dict__
        attributes.update(layout.template)
        for name, child in zip(layout.nodes, node[1:], strict=True):
            attributes[name] = next(self.values) if child is LEAF else self.visit(child)
        if layout.volatile:
            layout.freshen(module)
        if layout.watch:
            note_watched(module, layout)
        return module

    def visit_container(self, node: Any) -> Any:
        form: Form = node[0]
        number = len(self.containers)
        if form.mutable:
            self.containers.append(None)
        container = form.rebuild([self.visit(child) for child in node[1:]])
        if form.mutable:
            self.containers[number] = container
        return container


_interned: weakref.WeakValueDictionary[Any, Spec] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def _intern(tree: Any, shared: tuple[Any, ...]) -> Spec:
    with _lock:
        spec = _interned.get((tree, shared))
        if spec is None:
            spec = _interned[tree, shared] = Spec(tree, shared)
    return spec


class Walk:
    """What one pass over a graph found.

    Attributes:
        spec: the structure.
        modules: the modules in the order of their numbers, the root left out when it is a module: a
            walk is cached on its root, and no module keeps itself alive.
        owners: for each slot the `__dict__`, list or dict that holds it, or None inside a tuple.
        names: for each slot its key in the owner.
        containers: the mutable containers that we take apart, in the order of their numbers.
        copies: `(elements, copy)` for each of them, to see whether they changed.
        volatile: `(module, layout)` of those whose layout must be looked at again each time.
        snapshot: the data itself when some slot cannot be read again (inside a tuple), else None.
        certain: whether every later change can be seen, so that the walk may be cached.
        root: `(version, layout)` of the root module.
        serial: a number that no other walk has.
        cache: what other rooms derive from this walk; it lives as long as the structure does.
    """

    __slots__ = (
        "__weakref__",
        "cache",
        "certain",
        "containers",
        "copies",
        "modules",
        "names",
        "owners",
        "root",
        "serial",
        "snapshot",
        "spec",
        "versions",
        "volatile",
    )

    spec: Spec

    def __init__(self) -> None:
        self.modules: list[Any] = []
        self.owners: list[Any] = []
        self.names: list[Any] = []
        self.containers: list[Any] = []
        self.copies: list[tuple[Any, Any]] = []
        self.volatile: list[tuple[Any, Layout]] = []
        self.snapshot: list[Any] | None = None
        self.versions: tuple[int, ...] = ()
        self.certain = True
        self.root: tuple[int, Layout] | None = None
        self.serial = next(versions)
        self.cache: dict[Any, Any] = {}

    def values(self) -> list[Any]:
        """Take the current data out of the slots, in order."""
        if self.snapshot is not None:
            return self.snapshot
        return list(map(operator.getitem, self.owners, self.names))

    def unchanged(self, root: Any) -> bool:
        """Whether the structure below and including the module `root` is still the one walked."""
        assert self.root is not None
        version, layout = self.root
        if root._tx_version != version or tuple(map(version_of, self.modules)) != self.versions:
            return False
        for elements, copy in self.copies:
            if not same_elements(elements, copy):
                return False
        if layout.watch and layout_of(root) is not layout:
            return False
        return all(layout_of(module) is layout for module, layout in self.volatile)


def walk(value: Any) -> Walk:
    """Walk `value`: every module once, in the order of their first appearance.

    The walk of a module is cached on it, and given again while no structure has changed.

    Raises:
        CycleError: a module contains itself; both paths are named.
        FieldError: an undeclared attribute holds an array.
    """
    is_root = type(value) in MODULE_TYPES
    if is_root:
        cached: Walk | None = getattr(value, "_tx_walk", None)
        if cached is not None and cached.unchanged(value):
            return cached
    walker = _Walker()
    tree = walker.visit(value, None, None, True)
    found = walker.found
    found.spec = _intern(tree, tuple(walker.shared))
    if any(owner is None for owner in found.owners):
        found.snapshot = walker.data
    if is_root:
        found.root = (value._tx_version, tree[0])
        del found.modules[0]
        found.volatile = [pair for pair in found.volatile if pair[0] is not value]
        if found.snapshot is None and found.certain:
            value._tx_walk = found
    found.versions = tuple(map(version_of, found.modules))
    return found


def modules_of(value: Any, found: Walk) -> list[Any]:
    """Return all modules of a walk of `value`, the root included, in the order of their numbers."""
    return [value, *found.modules] if type(value) in MODULE_TYPES else found.modules


class _Walker:
    """The recursion of `walk`, with what it collects on the way."""

    def __init__(self) -> None:
        self.found = Walk()
        self.data: list[Any] = []
        self.statics: dict[int, tuple[int, str]] = {}
        self.shared: list[tuple[tuple[int, str], tuple[int, str]]] = []
        self.numbers: dict[int, int] = {}
        self.containers: dict[int, int] = {}
        self.active: dict[int, str] = {}
        self.path: list[str] = []

    def visit(self, value: Any, owner: Any, name: Any, declared: bool) -> Any:
        kind = type(value)
        if kind in MODULE_TYPES:
            return self.visit_module(value)
        if kind not in CONCRETE_ARRAY_TYPES and needs_form(value, declared):
            form = form_of(value, declared)
            if form is not None:
                return self.visit_container(value, form, declared)
        found = self.found
        found.owners.append(owner)
        found.names.append(name)
        self.data.append(value)
        return LEAF

    def visit_module(self, module: Any) -> Any:
        identity = id(module)
        number = self.numbers.get(identity)
        if number is not None:
            if identity in self.active:
                here = "/".join(self.path)
                raise cycle(type(module).__name__, self.active[identity], here)
            return number
        found = self.found
        self.numbers[identity] = len(found.modules)
        found.modules.append(module)
        layout = layout_of(module)
        if layout.watch:
            found.volatile.append((module, layout))
        self.active[identity] = "/".join(self.path)
        attributes = module.__dict__
        for name in layout.volatile:
            place = (self.numbers[identity], name)
            first = self.statics.setdefault(id(attributes[name]), place)
            if first is not place and is_volatile(attributes[name]):
                self.shared.append((place, first))
        node: list[Any] = [layout]
        for name in layout.nodes:
            self.path.append(name)
            node.append(self.visit(attributes[name], attributes, name, name in layout.declared))
            self.path.pop()
        del self.active[identity]
        return tuple(node)

    def visit_container(self, value: Any, form: Form, declared: bool) -> Any:
        owner = None
        if form.mutable:
            known = self.containers.get(id(value))
            if known is not None:
                if id(value) in self.active:
                    here = "/".join(self.path)
                    raise cycle(type(value).__name__, self.active[id(value)], here)
                return Again(known)
            self.containers[id(value)] = len(self.found.containers)
            self.found.containers.append(value)
            owner = value.__dict__ if form.kind == "dataclass" else value
            copy = dict(owner) if isinstance(owner, dict) else list(owner)
            self.found.copies.append((owner, copy))
        self.found.certain &= not any(is_volatile(static.value) for _, static in form.rest)
        self.active[id(value)] = "/".join(self.path)
        node: list[Any] = [form]
        for key, child in zip(form.keys, form.children(value), strict=True):
            self.path.append(str(key))
            node.append(self.visit(child, owner, key, declared))
            self.path.pop()
        del self.active[id(value)]
        return tuple(node)
