"""A module as a table: what it is made of, what comes out of each part, and what it weighs.

In: a module, and optionally inputs. Out: text. Output shapes come from an abstract call
(`jax.eval_shape`): nothing is computed, and the module is not changed.
"""

from __future__ import annotations

import io
import math
from typing import Any

import jax
from rich import box
from rich.console import Console
from rich.table import Table

from treexlite._context import entered
from treexlite._core import _init, _tree
from treexlite._core._graph import walk
from treexlite._core._kinds import Parameter, State
from treexlite._core._paths import FieldInfo, places
from treexlite._core._registry import is_array
from treexlite._core._repr import array_text


def tabulate(module: Any, inputs: Any, depth: int) -> str:
    """Render `module` as a table; see `Module.tabulate`."""
    outputs: dict[str, str] = {}
    if inputs is not _init.NO_INPUTS:
        module, outputs = _abstract_call(module, inputs)
    infos = list(_tree.fields(module))
    table = Table(box=box.ROUNDED, show_footer=True)
    table.add_column("path", footer="total")
    table.add_column("class")
    if outputs:
        table.add_column("output")
    table.add_column("parameters", footer=_summary(infos, Parameter))
    table.add_column("state", footer=_summary(infos, State))
    paths = [path for path, _ in _tree.modules(module)]
    for path, member in _tree.modules(module):
        level = sum(_inside(path, other) for other in paths)
        if depth >= 0 and level > depth:
            continue
        own = [i for i in infos if i.module is member or (level == depth and _inside(i.path, path))]
        name = type(member).__name__ + (" (frozen)" if member.frozen else "")
        row = [path or ".", name, *([outputs.get(path, "")] if outputs else [])]
        table.add_row(*row, _listing(own, Parameter, path), _listing(own, State, path))
    return _text(table)


def _inside(path: str, other: str) -> bool:
    """Whether `path` is strictly below `other`."""
    return path != other and (not other or path.startswith(f"{other}/"))


def _listing(infos: list[FieldInfo], kind: type, path: str) -> str:
    start = len(path) + 1 if path else 0
    lines = [
        f"{info.path[start:]}: {array_text(info.value)}"
        for info in infos
        if issubclass(info.kind, kind) and hasattr(info.value, "shape")
    ]
    return "\n".join(lines)


def _summary(infos: list[FieldInfo], kind: type) -> str:
    arrays = [i.value for i in infos if issubclass(i.kind, kind) and hasattr(i.value, "shape")]
    count = sum(math.prod(array.shape) for array in arrays)
    size = sum(math.prod(array.shape) * array.dtype.itemsize for array in arrays)
    return f"{count:,} ({_bytes(size)})" if arrays else "0"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def _abstract_call(module: Any, inputs: Any) -> tuple[Any, dict[str, str]]:
    """Return the module with shapes for arrays, and the output of each module it calls."""
    if not module.initialized:
        module = jax.eval_shape(lambda: module.init(0, inputs))
    call = _init.Call.of(f"{type(module).__name__}.tabulate", inputs)
    outputs: dict[str, str] = {}

    def run(values: list[Any], arrays: list[Any]) -> None:
        root, modules, _ = found.spec.build(values)
        paths = dict(zip(map(id, modules), places(found.spec).modules, strict=True))

        def record(member: Any, output: Any) -> None:
            leaves = [leaf for leaf in jax.tree_util.tree_leaves(output) if is_array(leaf)]
            if id(member) in paths:
                outputs.setdefault(paths[id(member)], "\n".join(map(array_text, leaves)))

        args, kwargs = call.arguments(arrays)
        with entered(None, recorder=record):
            root(*args, **kwargs)

    found = walk(module)
    jax.eval_shape(run, found.values(), call.arrays(inputs))
    return module, outputs


def _text(table: Table) -> str:
    buffer = io.StringIO()
    Console(file=buffer, width=160, color_system=None, force_jupyter=False).print(table)
    return buffer.getvalue().rstrip("\n")
