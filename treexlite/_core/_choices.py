"""Which data a verb is about: filters applied to the slots of a walk.

In: a walk and filters. Out: for each slot a `Choice`, and new data by `mapped`, which applies to
each leaf the function that was chosen for it. Nothing is mutated. Filters that look at kinds alone
depend on the structure alone, so what they choose is remembered on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax

from treexlite._core import _filters
from treexlite._core._filters import Filter
from treexlite._core._graph import Walk, modules_of
from treexlite._core._paths import FieldInfo, leaf_paths, places
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, is_array

Choice: TypeAlias = "int | list[int]"
"""What was decided about a slot: one number for all of its leaves, or one for each."""


def is_leaf(value: Any) -> bool:
    """Whether a slot holds one array, and no tree."""
    return type(value) in CONCRETE_ARRAY_TYPES or is_array(value)


def slot_infos(tree: Any, found: Walk) -> list[list[FieldInfo]]:
    """Return for each slot the `FieldInfo` of every leaf in it."""
    owners = [*modules_of(tree, found), None]  # number -1: data outside of any module
    slots = []
    for (path, name, kind, number), value in zip(
        places(found.spec).slots, found.values(), strict=True
    ):
        owner = owners[number]
        if is_leaf(value):
            slots.append([FieldInfo(path, name, kind, value, owner)])
        else:
            leaves = leaf_paths(path, value)
            slots.append([FieldInfo(inner, name, kind, leaf, owner) for inner, leaf in leaves])
    return slots


def whole_slots(found: Walk, filters: tuple[Filter, ...]) -> tuple[bool, ...] | None:
    """Return for each slot whether all `filters` hold, or None if that depends on the data."""
    holds: Any = _filters.All(*filters)
    if holds.key is None:
        return None
    cache = found.spec.cache
    whole: tuple[bool, ...] | None = cache.get(holds.key)
    if whole is None:
        whole = cache[holds.key] = tuple(map(holds, places(found.spec).slots))
    return whole


def select(where: str, tree: Any, found: Walk, filters: tuple[Filter, ...]) -> Sequence[Choice]:
    """Return for each slot whether all `filters` hold."""
    whole = whole_slots(found, filters)
    if whole is not None:
        return whole
    slots = slot_infos(tree, found)
    _filters.check_patterns(where, filters, [info for slot in slots for info in slot])
    holds = _filters.All(*filters)
    return [[holds(info) for info in slot] for slot in slots]


def _map_slot(value: Any, choice: Choice, functions: Sequence[Callable[[Any], Any]]) -> Any:
    """Apply to each leaf of one slot the function that was chosen for it."""
    if isinstance(choice, int):
        f = functions[choice]
        return f(value) if is_leaf(value) else jax.tree_util.tree_map(f, value)
    if len(choice) == 1 and is_leaf(value):
        return functions[choice[0]](value)
    leaves, treedef = jax.tree_util.tree_flatten(value)
    new = [functions[number](leaf) for leaf, number in zip(leaves, choice, strict=True)]
    return jax.tree_util.tree_unflatten(treedef, new)


def mapped(
    found: Walk, choices: Sequence[Choice], functions: Sequence[Callable[[Any], Any]]
) -> list[Any]:
    """Return the data of a walk, each leaf changed by the function that was chosen for it."""
    return [_map_slot(v, c, functions) for v, c in zip(found.values(), choices, strict=True)]


def first(holds: list[Choice]) -> Choice:
    """Return the number of the first filter that holds, or how many there are when none does."""
    size = next((len(choice) for choice in holds if not isinstance(choice, int)), None)
    if size is None:
        return [*holds, True].index(True)
    rows = [[choice] * size if isinstance(choice, int) else choice for choice in holds]
    return [[*column, True].index(True) for column in zip(*rows, strict=True)]
