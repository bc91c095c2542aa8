"""Paths: the name of every piece of data in a graph of modules, such as `encoder/layers/0/kernel`.

In: a `Spec`. Out: for each slot its path, field name, kind and module number, and for each module
its first path. They follow from the structure alone, so they are computed once per structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from treexlite._core._graph import LEAF, Again, Spec
from treexlite._core._layout import Layout
from treexlite._errors import StructureError


class SlotInfo(NamedTuple):
    """Where one slot is: its path, the field it belongs to, the field's kind and module number."""

    path: str
    name: str
    kind: type
    module: int


class FieldInfo(NamedTuple):
    """One piece of data in a module tree, as filters see it.

    Attributes:
        path: `"encoder/layers/0/kernel"`.
        name: the field's name, `"kernel"`.
        kind: the kind it was declared with; `NoneType` for a field declared without one.
        value: the array (or whatever stands there).
        module: the module that has the field.
    """

    path: str
    name: str
    kind: type
    value: Any
    module: Any


@dataclass(frozen=True)
class Places:
    """The paths of a structure.

    Attributes:
        slots: one entry for each slot.
        modules: for each module number its first path; `""` is the root.
        aliases: `(path, first path)` of every further path to a shared module or container.
        frozen: for each module number whether it is frozen.
    """

    slots: tuple[SlotInfo, ...]
    modules: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...]
    frozen: tuple[bool, ...]


def places(spec: Spec) -> Places:
    """Return the paths of everything in `spec` (cached on it)."""
    found: Places | None = spec.cache.get("places")
    if found is None:
        namer = _Namer()
        namer.visit(spec.tree, "", "", type(None), -1)
        found = Places(
            tuple(namer.slots), tuple(namer.modules), tuple(namer.aliases), tuple(namer.frozen)
        )
        _check_distinct([info.path for info in found.slots])
        spec.cache["places"] = found
    return found


def slot_numbers(spec: Spec) -> dict[str, int]:
    """Return the number of the slot at each path, paths through shared modules included."""
    found: dict[str, int] | None = spec.cache.get("slot_numbers")
    if found is None:
        where = places(spec)
        found = {info.path: number for number, info in enumerate(where.slots)}
        for alias, root in where.aliases:
            prefix = f"{root}/" if root else ""
            for path, number in list(found.items()):
                if path.startswith(prefix):
                    found.setdefault(join(alias, path[len(prefix) :]), number)
        spec.cache["slot_numbers"] = found
    return found


def _check_distinct(paths: list[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise duplicate_path(path)
        seen.add(path)


def duplicate_path(path: str) -> StructureError:
    """Build the error for two pieces of data with one name."""
    return StructureError(
        "paths",
        expected="every array to have a path of its own",
        received=f"two at `{path}`",
        fix="Rename the keys of the dict that print alike (`1` and `'1'`, or keys with a slash).",
    )


class _Namer:
    def __init__(self) -> None:
        self.slots: list[SlotInfo] = []
        self.modules: list[str] = []
        self.aliases: list[tuple[str, str]] = []
        self.containers: list[str] = []
        self.frozen: list[bool] = []

    def visit(self, node: Any, path: str, name: str, kind: type, module: int) -> None:
        if node is LEAF:
            self.slots.append(SlotInfo(path, name, kind, module))
        elif type(node) is int:
            self.aliases.append((path, self.modules[node]))
        elif type(node) is Again:
            self.aliases.append((path, self.containers[node.number]))
        elif type(node[0]) is Layout:
            layout: Layout = node[0]
            number = len(self.modules)
            self.modules.append(path)
            self.frozen.append(layout.frozen)
            fields = layout.cls._field_metadata  # type: ignore[attr-defined]
            for field, child in zip(layout.nodes, node[1:], strict=True):
                meta = fields.get(field)
                field_kind = type(None) if meta is None else meta.kind
                self.visit(child, join(path, field), field, field_kind, number)
        else:
            if node[0].mutable:
                self.containers.append(path)
            for key, child in zip(node[0].keys, node[1:], strict=True):
                self.visit(child, join(path, key), name, kind, module)


def join(path: str, part: Any) -> str:
    """Append one part to a path."""
    return f"{path}/{part}" if path else str(part)


def leaf_paths(path: str, value: Any) -> list[tuple[str, Any]]:
    """Return `(path, leaf)` for every leaf of the tree `value` that stands at `path`."""
    flat, _ = jax.tree_util.tree_flatten_with_path(value)
    return [
        (path if not keys else join(path, key_path(keys)), leaf)  # a bare leaf has no keys
        for keys, leaf in flat
    ]


def key_path(keys: tuple[Any, ...]) -> str:
    """Render a JAX key path in our form: `layers/0/kernel`."""
    return "/".join(_part(key) for key in keys)


def _part(key: Any) -> str:
    for attribute in ("name", "key", "idx"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)
