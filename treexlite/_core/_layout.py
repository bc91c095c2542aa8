"""A module's layout: which attributes are data, and the rest of it as one interned object.

In: a module. Out: its `Layout`, made once for each structure version and shared by all modules that
are built alike. It is the aux data of the module's PyTree node, so that comparing two tree
structures is a comparison of pointers. Nothing here mutates user attributes; only the cached layout
of a module is set.

Which attribute is data: fields declared with `.node()`, and any attribute that holds a module or a
container with a module in it, whenever it was put there. The rest is structure, compared by
content.
"""

from __future__ import annotations

import copy
import operator
import threading
import types
import weakref
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax

from treexlite._core._carried import array_in_collection, carried_module
from treexlite._core._containers import (
    PLAIN_TYPES,
    Box,
    boxed,
    can_change,
    holds_jax_array,
    holds_module,
    items_of,
    needs_form,
)
from treexlite._core._lazy import PENDING, is_lazy
from treexlite._core._record import Modes, keep_layout, known_layout, set_watched
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, MODULE_TYPES, is_tracer
from treexlite._core._statics import fresh, is_volatile, static_key
from treexlite._core._watch import snapshots, unchanged
from treexlite._errors import CycleError, FieldError, describe

Getter = Callable[[dict[str, Any]], tuple[Any, ...]]
Key = tuple[type, Modes, Hashable, Hashable]


class OwnMethod:
    """Stands for a method of the module itself in a static attribute: each copy binds its own."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnMethod) and self.function is other.function

    def __hash__(self) -> int:
        return hash(self.function)

    def bind(self, module: Any) -> Any:
        """Return the method, bound to `module`."""
        return types.MethodType(self.function, module)


class Layout:
    """The structure of one module, without its arrays and without its submodules' structure.

    Attributes:
        cls: the module's class.
        flags: the module's own modes.
        nodes: names of the attributes that hold data, declared ones first, in order of declaration.
        declared: those of them that were declared.
        statics: `(name, value)` of every other attribute; a snapshot that the user cannot change.
        volatile: names of statics that must be copied for each module.
        template: all attributes in the order of assignment; what is data has None here.
        formed: node names whose containers are taken apart by us when modules are walked.
        boxed: node names whose containers JAX could not handle natively.
        watch: names whose containers can change in place, looked at again on every flatten.
        get: takes the values of the nodes out of a module's `__dict__`, as a tuple.
        key: what layouts of equal structure have in common.
        keys: JAX key-path entries of the nodes.
    """

    __slots__ = (
        "__weakref__",
        "boxed",
        "cls",
        "declared",
        "flags",
        "formed",
        "get",
        "key",
        "keys",
        "nodes",
        "statics",
        "template",
        "volatile",
        "watch",
    )

    def __init__(self, key: Key, found: _Found) -> None:
        self.key = key
        self.cls, self.flags = key[:2]
        fields = self.cls._field_metadata  # type: ignore[attr-defined]
        self.nodes = tuple(found.nodes)
        self.declared = frozenset(self.nodes).intersection(fields)
        self.statics = {name: fresh(value) for name, value in found.statics.items()}
        self.volatile = tuple(
            name
            for name, value in found.statics.items()
            if is_volatile(value) or type(value) is OwnMethod
        )
        self.template = {name: self.statics.get(name) for name in found.order}
        self.formed, self.boxed = frozenset(found.formed), frozenset(found.boxed)
        self.watch = tuple(found.watch)
        self.get: Getter = _getter(self.nodes)
        self.keys = tuple(map(jax.tree_util.GetAttrKey, self.nodes))

    @property
    def frozen(self) -> bool:
        """Whether the module is frozen."""
        return self.flags.frozen

    def moded(self, changes: dict[str, Any]) -> Layout:
        """Return the layout of the same module in other modes."""
        cls, flags, names, statics = self.key
        key = (cls, flags._replace(**changes), names, statics)
        with _lock:
            layout = _interned.get(key)
            if layout is None:
                layout = _interned[key] = copy.copy(self)
                layout.key, layout.flags = key, key[1]
        return layout

    def freshen(self, module: Any) -> None:
        """Give a new module its own copies of the statics that can change in place."""
        for name in self.volatile:
            value = self.statics[name]
            own = value.bind(module) if type(value) is OwnMethod else fresh(value)
            module.__dict__[name] = own

    def __repr__(self) -> str:
        return f"Layout({self.cls.__name__}, nodes={list(self.nodes)}, statics={self.statics})"


def _getter(nodes: tuple[str, ...]) -> Getter:
    if not nodes:
        return lambda attributes: ()
    if len(nodes) == 1:
        name = nodes[0]
        return lambda attributes: (attributes[name],)
    return operator.itemgetter(*nodes)


_interned: weakref.WeakValueDictionary[Hashable, Layout] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def layout_of(module: Any) -> Layout:
    """Return the layout of `module`, from its cache when nothing can have changed.

    Raises:
        FieldError: an undeclared attribute holds an array.
        CycleError: the module contains itself.
    """
    layout: Layout | None = known_layout(module)
    if layout is not None and (not layout.watch or unchanged(module._tx_watched)):
        return layout
    found = _Found(module)
    key = found.key(type(module), module._tx_modes)
    with _lock:
        layout = _interned.get(key)
        if layout is None:
            layout = _interned[key] = Layout(key, found)
    keep_layout(module, layout)
    note_watched(module, layout)
    return layout


def note_watched(module: Any, layout: Layout, boxes: Mapping[str, Box] | None = None) -> None:
    """Remember the containers of a module that can change in place, as they are now.

    Args:
        module: the module.
        layout: of it.
        boxes: the boxes out of which some of its containers were just taken.
    """
    watch = layout.watch
    if boxes is not None and len(boxes) == len(watch) and all(b.is_calm for b in boxes.values()):
        set_watched(module, [(box.value, box.value.copy()) for box in boxes.values()])
    else:
        set_watched(module, snapshots([module.__dict__[name] for name in watch]) if watch else None)


class _Found:
    """The attributes of one module, sorted into data and structure."""

    def __init__(self, module: Any) -> None:
        self.nodes: list[str] = []
        self.statics: dict[str, Any] = {}
        self.formed: list[str] = []
        self.boxed: list[str] = []
        self.watch: list[str] = []
        fields = type(module)._field_metadata
        attributes = module.__dict__
        self.order = [name for name in attributes if not _is_dunder(name)]
        names = [n for n in fields if n in attributes] + [n for n in self.order if n not in fields]
        for name in names:
            value = attributes[name]
            meta = fields.get(name)
            if meta.node if meta is not None else holds_module(value):
                self.add_node(name, value, meta is not None)
            else:
                self.add_static(module, name, value, meta is not None)
        _check_cycle(module, self.nodes)

    def add_node(self, name: str, value: Any, declared: bool) -> None:
        self.nodes.append(name)
        kind = type(value)
        if kind in CONCRETE_ARRAY_TYPES or kind in MODULE_TYPES or is_lazy(value):
            return
        if needs_form(value, declared):
            self.formed.append(name)
            if type(boxed(value, declared)) is not type(value):
                self.boxed.append(name)
        if can_change(value):
            self.watch.append(name)

    def add_static(self, module: Any, name: str, value: Any, declared: bool) -> None:
        if type(value) in PLAIN_TYPES:
            self.statics[name] = value
            return
        if declared:
            check_static(module, name, value)
        elif holds_jax_array(value) or array_in_collection(value):
            raise undeclared_array(module, name, value)
        if type(value) is types.MethodType and value.__self__ is module:
            value = OwnMethod(value.__func__)
        elif not declared and carried_module(value) is not None:
            raise _carries_module(module, name, value)
        self.statics[name] = value
        if is_volatile(value):
            self.watch.append(name)

    def key(self, cls: type, modes: Modes) -> Key:
        statics = tuple((name, static_key(value)) for name, value in self.statics.items())
        names = (tuple(self.nodes), tuple(self.formed), tuple(self.boxed), tuple(self.watch))
        return (cls, modes, names, statics)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def check_static(module: Any, name: str, value: Any) -> None:
    """Raise when a declared static field is given a traced value.

    Raises:
        FieldError: structure cannot be traced.
    """
    if is_tracer(value):
        raise FieldError(
            type(module).__name__,
            expected=f"a plain value in the static field `{name}`",
            received=f"{name}={describe(value)}, which is traced",
            fix=f"Declare `{name}` as data, for example with `tx.State.node()`.",
        )


def _carries_module(module: Any, name: str, value: Any) -> FieldError:
    carried = type(carried_module(value)).__name__
    return FieldError(
        type(module).__name__,
        expected=f"`{name}` to carry no module that is hidden from JAX",
        received=f"{name}={describe(value)}, which holds or closes over a {carried}",
        fix=(
            "Keep the module itself in an attribute, a list, a dict or a dataclass, and write a"
            " method: a copy or a compiled function would go on using the hidden module as it is."
        ),
    )


def undeclared_array(module: Any, name: str, value: Any) -> FieldError:
    """Build the error for an array in an attribute that no field declares."""
    return FieldError(
        type(module).__name__,
        expected=f"attribute `{name}` to be declared with a kind, because it holds an array",
        received=f"{name}={describe(value)}",
        fix=(
            f"Declare it in the class body: `{name}: jax.Array = tx.State.node()` if the module"
            f" changes it, `tx.Parameter.node()` if gradients train it."
        ),
    )


def _check_cycle(module: Any, nodes: list[str]) -> None:
    """Raise when `module` can be reached from itself, naming both paths to it."""
    attributes = module.__dict__
    pending = [(attributes[name], name) for name in nodes if _may_hold_module(attributes[name])]
    seen: set[int] = set()
    while pending:
        value, path = pending.pop()
        if value is module:
            raise cycle(type(module).__name__, "", path)
        if type(value) in MODULE_TYPES:
            if id(value) in seen:
                continue
            seen.add(id(value))
            items = iter(value.__dict__.items())
        else:
            if id(value) in seen or (found := items_of(value)) is None:
                continue
            seen.add(id(value))
            items = found
        pending.extend((item, f"{path}/{key}") for key, item in items if _may_hold_module(item))


def _may_hold_module(value: Any) -> bool:
    kind = type(value)
    if kind in PLAIN_TYPES or kind in CONCRETE_ARRAY_TYPES or value is PENDING:
        return False
    return (
        kind in MODULE_TYPES
        or issubclass(kind, (list, tuple, dict))
        or hasattr(kind, "__dataclass_fields__")
    )


def cycle(where: str, first: str, second: str) -> CycleError:
    """Build the error for a module that contains itself, with both paths to it."""
    name = f"`{first}`" if first else "the root"
    return CycleError(
        where,
        expected="a tree of modules in which none contains itself",
        received=f"the same module at {name} and below itself at `{second}`",
        fix=f"Break the cycle: pass the module at `{second}` to the method that needs it instead.",
    )
