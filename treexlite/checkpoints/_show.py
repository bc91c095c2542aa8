"""Checkpoints as people see them in a terminal.

In: an open checkpoint, or differences. Out: what rich prints. Nothing is mutated.
"""

from __future__ import annotations

import math
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from treexlite.checkpoints._checkpoint import EXTRA, Checkpoint
from treexlite.checkpoints._compare import Difference, summary
from treexlite.checkpoints._manifest import Entry
from treexlite.checkpoints._nodes import infos
from treexlite.checkpoints._safetensors import num_bytes

_LONGEST = 24
_UNITS = ("B", "kB", "MB", "GB", "TB")


def contents(checkpoint: Checkpoint) -> RenderableType:
    """Return the tree of a checkpoint: paths, dtypes, shapes, kinds and sizes, with totals."""
    wrote = ", ".join(f"{name} {version}" for name, version in checkpoint.written_by.items())
    root = Tree(f"[bold]{escape(checkpoint.path)}[/]  [dim]{escape(clean(wrote))}[/]")
    entries = checkpoint.reader.entries
    _Grower(entries).grow(root, "", checkpoint.node)
    extra = checkpoint.reader.plain[EXTRA]
    if extra != {"value": None}:
        infos(extra, entries)  # raises when it is malformed
        _Grower(entries).grow(root.add("[bold]extra[/]"), "", extra)
    return Group(root, _totals(checkpoint))


def _totals(checkpoint: Checkpoint) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("kind", "arrays", "numbers", "size"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    groups: dict[str, list[Entry]] = {}
    for entry in checkpoint.entries.values():
        groups.setdefault(entry.kind or "no kind", []).append(entry)
    everything = list(checkpoint.entries.values())
    for kind, entries in [*sorted(groups.items()), ("in all", everything)]:
        numbers = sum(math.prod(entry.shape) for entry in entries)
        size = sum(map(num_bytes, entries))
        table.add_row(kind, f"{len(entries):,}", f"{numbers:,}", readable(size))
    return table


def readable(size: float) -> str:
    """Return a number of bytes for people: `1.5 MB`."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


class _Grower:
    """Adds the nodes of a tree to one of rich's."""

    def __init__(self, entries: dict[str, Entry]) -> None:
        self.entries = entries

    def grow(self, parent: Tree, name: str, node: dict[str, Any]) -> None:
        label = Text.assemble((clean(name), "bold cyan"), "  " * bool(name), *self.label(node))
        branch = parent.add(label) if name else parent
        if not name and self.label(node):
            parent.add(label)
        for key, child in _children(node):
            self.grow(branch, str(key), child)

    def label(self, node: dict[str, Any]) -> list[Any]:
        if "array" in node:
            entry = self.entries[node["array"]]
            parts: list[Any] = [summary(entry), (f"  {readable(num_bytes(entry))}", "dim")]
            more = [part for part in (entry.kind, entry.sharding) if part]
            return parts + [(f"  {clean(part)}", "green") for part in more]
        if "value" in node:
            return [_short(node["value"])]
        if "module" in node:
            plain = ", ".join(f"{clean(n)}={_short(v)}" for n, v in node.get("static", {}).items())
            return [(clean(node["module"]), "magenta"), (f"({plain})", "dim")]
        if "again" in node:
            return [("shared, see above", "dim")]
        if "nothing" in node or "opaque" in node:
            return [(clean(node.get("opaque", "Nothing")), "dim")]
        return []


def _children(node: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    if "fields" in node:
        return list(node["fields"].items())
    if "dict" in node:
        return [(key, child) for key, child in node["dict"]]
    return list(enumerate(node.get("list", node.get("tuple", ()))))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def clean(value: Any) -> str:
    """Return text from a file without characters that a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


def changes(found: list[Difference]) -> RenderableType:
    """Return a table of what differs between two checkpoints."""
    if not found:
        return Text("the same to the bit")
    table = Table(box=None, pad_edge=False)
    for column in ("path", "first", "second", "difference"):
        table.add_column(column, overflow="fold")
    for difference in found:
        table.add_row(*(escape(clean(part)) for part in difference))
    return table
