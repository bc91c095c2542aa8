"""Seeing quickly that nothing has changed in place.

In: values that can change in place (lists, dicts, objects with attributes, arrays of NumPy). Out:
`snapshots`, a shallow copy of every mutable container in them; `unchanged` compares element by
element, by identity and at C speed, however long a vocabulary is. Whatever cannot be watched so
gives None, and the caller looks at it in full. `Watch` compares the snapshots of a whole graph in
one pass, because a call over a hundred lists should not cost a hundred Python calls.
"""

from __future__ import annotations

import itertools
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
    pending = list(values)
    if len(pending) == 1 and type(pending[0]) is list and _only_modules(pending[0]):
        return [(pending[0], pending[0].copy())]
    found: Snapshots = []
    seen: set[int] = set()
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


def _only_modules(elements: list[Any]) -> bool:
    return MODULE_TYPES.issuperset(map(type, elements))


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


class Watch:
    """What many modules watch, compared together.

    Args:
        modules: modules with an up-to-date layout that has something to watch.
        copies: `(elements, copy)` of further containers.
        root: one more such module, which is not kept: it holds the `Watch`, and no module keeps
            itself alive.
    """

    __slots__ = (
        "before",
        "blind",
        "containers",
        "dicts",
        "lists",
        "modules",
        "rest",
        "rooted",
        "sizes",
        "taken",
    )

    def __init__(self, modules: Iterable[Any], copies: Snapshots, root: Any = None) -> None:
        self.modules = list(modules)
        self.rooted = root is not None
        self.taken: list[Snapshots | None] = list(map(_watched_of, self._all(root)))
        self.blind = None in self.taken
        known = [copies, *(found for found in self.taken if found is not None)]
        pairs = {id(now): (now, before) for found in known for now, before in found}.values()
        lists = [pair for pair in pairs if type(pair[0]) is list]
        dicts = [pair for pair in pairs if type(pair[0]) is dict]
        self.lists = [now for now, _ in lists]
        self.dicts = [now for now, _ in dicts]
        self.rest = [pair for pair in pairs if type(pair[0]) not in (list, dict)]
        self.containers: list[Any] = [*self.lists, *self.dicts]
        self.sizes = [len(before) for _, before in (*lists, *dicts)]
        self.before = list(_elements([b for _, b in lists], [b for _, b in dicts]))

    def _all(self, root: Any) -> list[Any]:
        return [root, *self.modules] if self.rooted else self.modules

    def unchanged(self, root: Any = None) -> bool:
        """Whether every container has the very elements it had; False if that cannot be seen."""
        if not self.taken and not self.containers:
            return True
        return (
            not self.blind
            and all(map(operator.is_, map(_watched_of, self._all(root)), self.taken))
            and list(map(len, self.containers)) == self.sizes
            and all(map(operator.is_, _elements(self.lists, self.dicts), self.before))
            and (not self.rest or unchanged(self.rest))
        )


_watched_of = operator.attrgetter("_tx_watched")


def _elements(lists: list[list[Any]], dicts: list[dict[Any, Any]]) -> Iterable[Any]:
    """Chain the elements of lists, and the keys and the values of dicts."""
    chain = itertools.chain.from_iterable
    return itertools.chain(chain(lists), chain(dicts), chain(map(dict.values, dicts)))
