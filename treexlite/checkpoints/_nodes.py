"""Questions about the nodes that `_structure` makes of trees.

In: a node, from a file that may be anything. Out: paths of what is in it, or a `ValueError`.
Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treexlite._core import _kinds
from treexlite._core._paths import FieldInfo, join

ATOMS = (bool, int, float, complex, str, bytes)
"""What counts as data of its own, beside arrays."""


def is_shared(node: dict[str, Any]) -> bool:
    """Whether a node with fields may stand in several places."""
    return "module" in node or bool(node.get("shared"))


def values(node: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `{path: value}` of the numbers and strings in a tree: outside of modules, and inside.

    Raises:
        ValueError: the node is malformed.
    """
    outside: dict[str, Any] = {}
    inside: dict[str, Any] = {}
    modules = {path for path, item in walk(node) if "module" in item}
    for path, item in walk(node):
        value: Any = item.get("value")
        found = inside if _is_below(path, modules) else outside
        if type(value) in ATOMS:
            found[path] = value
        elif type(value) in (list, tuple):
            found.update((join(path, number), atom) for number, atom in enumerate(value))
    return outside, inside


def _is_below(path: str, modules: set[str]) -> bool:
    """Whether a path leads through one of `modules`."""
    parts = path.split("/")
    return any("/".join(parts[:n]) in modules for n in range(len(parts)))


def statics(node: Any) -> dict[str, Any]:
    """Return `{path: value}` of the plain attributes of the modules in a tree.

    Raises:
        ValueError: the node is malformed.
    """
    return {
        join(path, name): value
        for path, item in walk(node)
        for name, value in item.get("static", {}).items()
    }


def aliases(node: Any) -> dict[str, str]:
    """Return `{path: first path}` of every shared module or container in a tree.

    Raises:
        ValueError: the node is malformed.
    """
    first: list[str] = []
    found: dict[str, str] = {}
    for path, item in walk(node):
        if "again" in item:
            found[path] = first[item["again"]]
        elif "list" in item or "dict" in item or is_shared(item):
            first.append(path)
    return found


def walk(node: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return `(path, node)` of a node and all below it, in their order.

    Raises:
        ValueError: the node is malformed.
    """
    found: list[tuple[str, dict[str, Any]]] = []

    def visit(item: dict[str, Any], path: str) -> None:
        found.append((path, item))
        children: Any = ()
        if "list" in item or "tuple" in item:
            elements: list[Any] = item["list"] if "list" in item else item["tuple"]
            children = enumerate(elements)
        elif "dict" in item:
            children = item["dict"]
        elif "fields" in item:
            children = item["fields"].items()
        for key, child in children:
            visit(child, join(path, key))

    try:
        visit(node, "")
        for _, item in found:
            if type(item.get("static", {})) is not dict:
                raise TypeError("attributes that are no dict")
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"a tree that is malformed ({type(error).__name__}: {error})") from None
    except RecursionError:
        raise ValueError("a tree that is nested too deeply") from None
    return found


def infos(node: Any, entries: Mapping[str, Any]) -> list[FieldInfo]:
    """Return what filters may know of the arrays in a tree: path, name and kind.

    Raises:
        ValueError: the node is malformed, or speaks of arrays that are not there.
    """
    found = []
    for path, item in walk(node):
        if "array" in item:
            entry = entries.get(item["array"])
            if entry is None:
                raise ValueError(f"a tree with an array {item['array']!r}, which is missing")
            kind = getattr(_kinds, entry.kind or "", type(None))
            found.append(FieldInfo(path, path.rpartition("/")[2], kind, entry, None))
    return found
