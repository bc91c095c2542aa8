"""Data by name: the leaves of a tree as `{path: array}`, and back.

In: a module, or any tree. Out: a flat dict in sorted order of paths, the form in which optimizers
see parameters; and a tree with new values at those paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax

from treexlite._core import _tree
from treexlite._core._choices import slot_infos
from treexlite._core._graph import modules_of, walk
from treexlite._core._lost import close_all
from treexlite._core._nothing import Nothing
from treexlite._core._paths import FieldInfo, duplicate_path, places, slot_numbers


def named_infos(tree: Any, keep: Callable[[FieldInfo], bool]) -> dict[str, FieldInfo]:
    """Return `{path: info}` for the leaves that `keep` holds for, sorted by path."""
    found: dict[str, FieldInfo] = {}
    for info in _tree.fields(tree):
        if info.path in found:
            raise duplicate_path(info.path)
        if keep(info):
            found[info.path] = info
    return dict(sorted(found.items()))


def named_leaves(tree: Any, keep: Callable[[FieldInfo], bool]) -> dict[str, Any]:
    """Return `{path: leaf}` for the leaves that `keep` holds for, sorted by path."""
    return {path: info.value for path, info in named_infos(tree, keep).items()}


def canonical_paths(tree: Any) -> Callable[[str], str]:
    """Return a function that maps a path through a shared module to the module's first path."""
    found = walk(tree)
    first = [info.path for info in places(found.spec).slots]
    numbers = slot_numbers(found.spec)

    def canonical(path: str) -> str:
        slot = path
        while slot not in numbers and "/" in slot:  # a leaf inside a slot
            slot = slot.rsplit("/", 1)[0]
        return first[numbers[slot]] + path[len(slot) :] if slot in numbers else path

    return canonical


def with_named(
    tree: Any, values: Mapping[str, Any], rest: Any = None, inplace: bool = False
) -> Any:
    """Return `tree` with other values at some paths.

    Args:
        tree: a module, or any tree.
        values: `{path: value}`.
        rest: what stands at all other paths: None keeps what is there, `Nothing` drops it.
        inplace: write into the modules of `tree` instead of building a new tree.
    """
    found = walk(tree)
    data = []
    for slot, value in zip(slot_infos(tree, found), found.values(), strict=True):
        leaves = [values.get(i.path, Nothing if rest is Nothing else i.value) for i in slot]
        if any(new is not info.value for new, info in zip(leaves, slot, strict=True)):
            value = jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(value), leaves)
        data.append(value)
    if inplace:
        _tree.write_values(tree, found, data)
        return tree
    close_all(modules_of(tree, found))
    return found.spec.build(data).root
