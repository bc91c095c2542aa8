"""Static values: how they are compared, and how they are kept apart from the user's copies.

In: any Python value that stands in a static field. Out: a hashable *key* (`static_key`): equal keys
mean "the same program", so a trace can be reused. Keys see through containers, NumPy arrays (by
content), `functools.partial`, dataclasses and functions made alike (same code, same plain closure),
and keep apart what Python calls equal but a program does not (`1`, `1.0` and `True`; `0.0` and
`-0.0`).

Objects without a content to compare are compared by identity, and by their attributes as they are
now, so that a changed configuration object is noticed. Their key holds the id alone: whoever stores
a key keeps the value alive beside it.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import types
from collections.abc import Callable, Hashable
from typing import Any

import jax
import numpy as np

from treexlite._core._registry import MODULE_TYPES

_ATOMS = frozenset({bool, int, str, bytes, type(None), type(Ellipsis), type(NotImplemented), type})


class Static:
    """A value with its key: equal and hashable by content, for use inside tree structures."""

    __slots__ = ("key", "value")

    def __init__(self, value: Any) -> None:
        self.key = static_key(value)
        self.value = fresh(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return repr(self.value)


class _Content:
    """The content of an array as a dictionary key; the hash is computed once."""

    __slots__ = ("_hash", "data", "head")

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.head = (array.shape, array.dtype.str)
        self.data = tuple(map(static_key, array.flat)) if array.dtype.hasobject else array.tobytes()
        self._hash = hash((self.head, self.data))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and self.head == other.head and self.data == other.data

    def __hash__(self) -> int:
        return self._hash


def static_key(value: Any) -> Hashable:
    """Return a hashable that is equal for values that mean the same program."""
    kind = type(value)
    if kind in _ATOMS:
        return (kind, value)
    if kind in _KEYS:
        return _KEYS[kind](value)
    if kind in MODULE_TYPES:
        return ("id", id(value))
    for base, make in _BASES:
        if isinstance(value, base):
            return (kind, make(value))
    if dataclasses.is_dataclass(value) and _generated_eq(kind):
        names = (f.name for f in dataclasses.fields(value))
        return (kind, tuple((n, static_key(getattr(value, n, None))) for n in names))
    if getattr(kind, "__hash__", None) in (None, object.__hash__):
        return ("id", id(value), _attributes_key(value))
    try:
        hash(value)
    except TypeError:
        return ("id", id(value))
    return (kind, value)


def has_attributes(value: Any) -> bool:
    """Whether this is an object with attributes, such as a namespace or a configuration."""
    return (
        hasattr(value, "__dict__")
        and not hasattr(value, "__wrapped__")
        and not isinstance(value, (type, types.ModuleType, types.FunctionType, jax.Array))
        and type(value) not in MODULE_TYPES
    )


class _NotPlainError(Exception):
    """An object is more than data: it refers to itself, to locks, to files."""


def _attributes_key(value: Any) -> Hashable:
    """Return a key of an object's attributes, if all of them are data; None otherwise.

    Objects with a life of their own (a logger and its caches) are compared by identity alone.
    """
    if not has_attributes(value):
        return None
    try:
        return _object_key(value, 5)
    except _NotPlainError:
        return None


def _object_key(value: Any, depth: int) -> Hashable:
    return tuple((name, _nested_key(item, depth - 1)) for name, item in sorted(vars(value).items()))


def _nested_key(value: Any, depth: int) -> Hashable:
    if depth <= 0:
        raise _NotPlainError
    if isinstance(value, (list, tuple)):
        return (type(value), tuple(_nested_key(item, depth - 1) for item in value))
    if isinstance(value, dict):
        items = value.items()
        return (dict, tuple((_nested_key(k, depth), _nested_key(v, depth - 1)) for k, v in items))
    if callable(value) or dataclasses.is_dataclass(value):
        return static_key(value)
    if getattr(type(value), "__hash__", None) in (None, object.__hash__):
        if not has_attributes(value):
            raise _NotPlainError
        return ("id", id(value), _object_key(value, depth - 1))
    return static_key(value)


def _generated_eq(kind: type) -> bool:
    """Whether equality of this dataclass was generated (a hand-written one is respected)."""
    params = kind.__dict__.get("__dataclass_params__")
    code = getattr(kind.__dict__.get("__eq__"), "__code__", None)
    return bool(params and params.eq and code and code.co_filename == "<string>")


def closed_over(function: types.FunctionType) -> list[Any]:
    """Return what a function closes over; cells that are still empty are left out."""
    cells = [cell for cell in function.__closure__ or () if cell != _EMPTY_CELL]
    return [cell.cell_contents for cell in cells]


_EMPTY_CELL = types.CellType()


def _function_key(function: types.FunctionType) -> Hashable:
    """Functions are one when code and globals are one and everything they close over is plain."""
    cells: list[Hashable] = []
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # an empty cell
            return ("id", id(function))
        if not _is_plain(content):
            return ("id", id(function))
        cells.append(static_key(content))
    if function.__dict__:
        return ("id", id(function))
    defaults = (function.__defaults__ or (), function.__kwdefaults__ or {})
    return (function.__code__, id(function.__globals__), static_key(defaults), tuple(cells))


def _is_plain(value: Any, depth: int = 12) -> bool:
    """Whether a closed-over value can never change behind the function's back."""
    kind = type(value)
    if kind in _ATOMS or kind in (float, complex) or isinstance(value, (type, np.dtype)):
        return True
    if depth <= 0:
        return False
    if isinstance(value, (tuple, frozenset)):
        return all(_is_plain(item, depth - 1) for item in value)
    if kind is types.FunctionType:
        try:
            return all(_is_plain(c.cell_contents, depth - 1) for c in value.__closure__ or ())
        except ValueError:  # an empty cell
            return False
    return kind is types.BuiltinFunctionType


_KEYS: dict[type, Callable[[Any], Hashable]] = {
    float: lambda v: (float, v.hex()),
    complex: lambda v: (complex, v.real.hex(), v.imag.hex()),
    slice: lambda v: (slice, static_key((v.start, v.stop, v.step))),
    types.FunctionType: _function_key,
    types.MethodType: lambda v: ("method", static_key(v.__func__), id(v.__self__)),
    functools.partial: lambda v: ("partial", static_key((v.func, v.args, v.keywords))),
}

_BASES: tuple[tuple[Any, Callable[[Any], Hashable]], ...] = (
    (np.ndarray, _Content),
    (np.generic, lambda v: _Content(np.asarray(v))),
    (jax.Array, lambda v: _Content(np.asarray(v))),
    (list, lambda v: tuple(map(static_key, v))),
    (tuple, lambda v: tuple(map(static_key, v))),
    (dict, lambda v: tuple((static_key(k), static_key(item)) for k, item in v.items())),
    ((set, frozenset), lambda v: frozenset(map(static_key, v))),
    (bytearray, bytes),
)


# Types whose values never change in place.
_FIXED = _ATOMS | {
    float,
    complex,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
}


def is_volatile(value: Any) -> bool:
    """Whether a static value can change in place, so that its key must be taken again."""
    kind = type(value)
    if kind in _FIXED:
        return False
    if isinstance(value, (list, dict, set, bytearray)):
        return True
    if isinstance(value, np.ndarray):
        return bool(value.flags.writeable)
    if isinstance(value, tuple):
        return any(map(is_volatile, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and kind not in MODULE_TYPES:
        if not kind.__dataclass_params__.frozen:
            return True
        fields = (f.name for f in dataclasses.fields(value))
        return any(is_volatile(getattr(value, name, None)) for name in fields)
    if kind is functools.partial:
        return any(map(is_volatile, (*value.args, *value.keywords.values())))
    return getattr(kind, "__hash__", None) in (None, object.__hash__) and has_attributes(value)


def is_refillable(value: Any) -> bool:
    """Whether this is a container of values whose copy can be brought home in place."""
    if isinstance(value, (list, dict, set)):
        return True
    kind = type(value)
    if isinstance(value, np.ndarray):
        return is_volatile(value)
    return dataclasses.is_dataclass(kind) and is_volatile(value) and _generated_eq(kind)


def fresh(value: Any) -> Any:
    """Copy the mutable containers of a static value; share everything else."""
    if not is_volatile(value):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple):
        items = list(map(fresh, value))
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if not isinstance(value, (list, dict, set, bytearray)) and not _generated_eq(type(value)):
        return value  # an object with an identity of its own
    clone = copy.copy(value)
    if isinstance(clone, list):
        clone[:] = map(fresh, clone)
    elif isinstance(clone, dict):
        for name in clone:
            clone[name] = fresh(clone[name])
    elif dataclasses.is_dataclass(clone):
        for field in dataclasses.fields(clone):
            if hasattr(clone, field.name):
                object.__setattr__(clone, field.name, fresh(getattr(clone, field.name)))
    return clone
