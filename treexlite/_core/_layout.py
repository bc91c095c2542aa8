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

import operator
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any

import jax

from treexlite._core._containers import (
    boxed,
    holds_jax_array,
    holds_module,
    items_of,
    needs_form,
)
from treexlite._core._record import Modes
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, MODULE_TYPES, is_tracer
from treexlite._core._statics import fresh, is_volatile, static_key
from treexlite._errors import CycleError, FieldError, describe

Getter = Callable[[dict[str, Any]], tuple[Any, ...]]


class Layout:
    """The structure of one module, without its arrays and without its submodules' structure.

    Attributes:
        cls: the module's class.
        nodes: names of the attributes that hold data, declared ones first, in order of declaration.
        statics: `(name, value)` of every other attribute; a snapshot that the user cannot change.
        flags: the module's own modes.
        boxed: node names whose containers JAX could not handle natively.
        watch: names whose containers can change in place, looked at again on every flatten.
        get: takes the values of the nodes out of a module's `__dict__`, as a tuple.
        keys: JAX key-path entries of the nodes.
    """

    __slots__ = (
        "__weakref__",
        "boxed",
        "cls",
        "declared",
        "flags",
        "get",
        "key",
        "keys",
        "nodes",
        "statics",
        "volatile",
        "watch",
    )

    def __init__(
        self,
        cls: type,
        nodes: tuple[str, ...],
        statics: dict[str, Any],
        flags: Modes,
        boxed: frozenset[str],
        watch: tuple[str, ...],
        key: Hashable,
    ) -> None:
        fields = cls._field_metadata  # type: ignore[attr-defined]
        self.cls, self.nodes, self.flags, self.boxed = cls, nodes, flags, boxed
        self.declared = frozenset(nodes).intersection(fields)
        self.statics = {name: fresh(value) for name, value in statics.items()}
        self.volatile = tuple(name for name in statics if is_volatile(statics[name]))
        self.watch, self.key = watch, key
        self.get: Getter = _getter(nodes)
        self.keys = tuple(map(jax.tree_util.GetAttrKey, nodes))

    def fill(self, attributes: dict[str, Any]) -> None:
        """Write the static attributes into a new module's `__dict__`."""
        attributes.update(self.statics)
        for name in self.volatile:
            attributes[name] = fresh(self.statics[name])

    @property
    def frozen(self) -> bool:
        """Whether the module is frozen."""
        return self.flags.frozen

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
    layout: Layout | None = module._layout
    if layout is not None and (not layout.watch or _unchanged(module, layout)):
        return layout
    layout = _describe(module)
    module._layout = layout
    return layout


def _unchanged(module: Any, layout: Layout) -> bool:
    """Quick answer for the common containers: lists and dicts of nothing but modules."""
    attributes = module.__dict__
    for name in layout.watch:
        value = attributes[name]
        kind = type(value)
        if name not in layout.nodes or name in layout.boxed or not value or kind is not list:
            return False
        if not all(map(MODULE_TYPES.__contains__, map(type, value))):
            return False
    return True


def _describe(module: Any) -> Layout:
    cls = type(module)
    fields = cls._field_metadata
    attributes = module.__dict__
    names = [n for n in fields if n in attributes] + [n for n in attributes if n not in fields]
    nodes: list[str] = []
    statics: dict[str, Any] = {}
    special: list[str] = []
    watch: list[str] = []
    for name in names:
        value = attributes[name]
        meta = fields.get(name)
        if type(value) in CONCRETE_ARRAY_TYPES and meta is not None and meta.node:
            nodes.append(name)
            continue
        declared = meta is not None
        if not (meta.node if meta is not None else holds_module(value)):
            if declared:
                check_static(module, name, value)
            elif holds_jax_array(value):
                raise undeclared_array(module, name, value)
            statics[name] = value
            if is_volatile(value):
                watch.append(name)
            continue
        nodes.append(name)
        if needs_form(value, declared) and type(boxed(value, declared)) is not type(value):
            special.append(name)
        if isinstance(value, (list, dict)) or (not declared and is_volatile(value)):
            watch.append(name)
    _check_cycle(module, nodes)
    key = (
        cls,
        tuple(nodes),
        module._modes,
        frozenset(special),
        tuple(watch),
        tuple((name, static_key(value)) for name, value in statics.items()),
    )
    with _lock:
        layout = _interned.get(key)
        if layout is None:
            layout = Layout(
                cls, key[1], statics, module._modes, frozenset(special), tuple(watch), key
            )
            _interned[key] = layout
    return layout


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
    pending = [(attributes[n], n) for n in nodes if type(attributes[n]) not in CONCRETE_ARRAY_TYPES]
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
