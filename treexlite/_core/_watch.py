"""Seeing quickly that nothing has changed in place.

In: values that can change in place (lists, dicts, objects with attributes, arrays of NumPy). Out:
`snapshots`, a shallow copy of every mutable container in them; `unchanged` compares element by
element, by identity and at C speed, however long a vocabulary is. Whatever cannot be watched so
gives None, and the caller looks at it in full.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from treexlite._core._containers import PLAIN_TYPES
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, MODULE_TYPES, is_jax_array
from treexlite._core._statics import has_attributes, is_volatile

Snapshots = list[tuple[Any, Any]]
_MOST = 256


def snapshots(values: Iterable[Any]) -> Snapshots | None:
    """Copy every mutable container in `values`; None if one of them cannot be watched."""
    found: Snapshots = []
    seen: set[int] = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind in PLAIN_TYPES or kind in MODULE_TYPES or id(value) in seen:
            continue
        seen.add(id(value))
        if len(found) > _MOST:
            return None
        if isinstance(value, np.ndarray):
            if value.flags.writeable:
                found.append((value, value.copy()))
        elif kind in CONCRETE_ARRAY_TYPES or is_jax_array(value):
            continue
        elif isinstance(value, (list, dict, set)):
            found.append((value, value.copy()))
            pending += _changeable(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, tuple):
            pending += _changeable(value)
        elif hasattr(kind, "__dataclass_fields__") or has_attributes(value):
            if not hasattr(value, "__dict__"):
                return None
            found.append((vars(value), vars(value).copy()))
            pending += _changeable(vars(value).values())
        elif is_volatile(value):
            return None
    return found


def _changeable(elements: Iterable[Any]) -> list[Any]:
    return [element for element in elements if type(element) not in PLAIN_TYPES]


def unchanged(watched: Snapshots | None) -> bool:
    """Whether every container still has the very elements of its copy."""
    return watched is not None and all(same_elements(now, before) for now, before in watched)


def same_elements(container: Any, before: Any) -> bool:
    """Whether a container has the very elements of a copy that was made of it."""
    if isinstance(before, np.ndarray):
        return container.dtype == before.dtype and np.array_equal(container, before)
    if len(container) != len(before):
        return False
    if isinstance(before, dict):
        return all(map(operator.is_, container, before)) and all(
            map(operator.is_, container.values(), before.values())
        )
    if isinstance(before, set):
        return bool(container == before)
    return all(map(operator.is_, container, before))
