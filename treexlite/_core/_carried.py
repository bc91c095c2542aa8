"""Modules and arrays that hide in structure: in functions, wrappers, sets and opaque objects.

In: the value of a static attribute. Out: what it carries. A module in there would be invisible: a
copy would share it, and a compiled function would go on using the arrays that it had when it was
traced. So such values are refused where a module's layout is made.
"""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from treexlite._core._containers import PLAIN_TYPES, items_of
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, MODULE_TYPES, is_jax_array
from treexlite._core._statics import closed_over

_ATOMS = PLAIN_TYPES | CONCRETE_ARRAY_TYPES | {types.BuiltinFunctionType, np.dtype}
_COLLECTIONS = (
    set,
    frozenset,
    collections.deque,
    collections.UserDict,
    collections.UserList,
    collections.ChainMap,
    types.MappingProxyType,
    types.SimpleNamespace,
)
_DEPTH = 6


def carried_module(value: Any) -> Any:
    """Return a module that `value` carries, although it is no container of modules, or None."""
    return _find_module(value, _DEPTH, set())


def _find_module(value: Any, depth: int, seen: set[int]) -> Any:
    if type(value) in _ATOMS or isinstance(value, (type, types.ModuleType, jax.Array)):
        return None
    if type(value) in MODULE_TYPES:
        return value
    if depth == 0 or id(value) in seen:
        return None
    seen.add(id(value))
    for part in _parts(value):
        found = _find_module(part, depth - 1, seen)
        if found is not None:
            return found
    return None


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, types.MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, types.FunctionType):
        return [*closed_over(value), *vars(value).values()]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    items = items_of(value)
    if items is not None:
        return [item for _, item in items]
    if isinstance(value, _COLLECTIONS) and not isinstance(value, types.SimpleNamespace):
        return _elements(value)
    slots = [n for c in type(value).__mro__ for n in vars(c).get("__slots__", ()) if n[:2] != "__"]
    own = [getattr(value, name, None) for name in slots]
    return [*own, *getattr(value, "__dict__", {}).values(), getattr(value, "__wrapped__", None)]


def _elements(value: Any) -> list[Any]:
    return list(value.values()) if hasattr(value, "values") else list(value)


def array_in_collection(value: Any) -> bool:
    """Whether `value` is a collection that JAX does not know, with an array right in it."""
    if not isinstance(value, _COLLECTIONS):
        return False
    if isinstance(value, types.SimpleNamespace):
        return any(map(is_jax_array, vars(value).values()))
    return any(map(is_jax_array, _elements(value)))
