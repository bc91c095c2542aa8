"""How modules print: class, statics, and for each piece of data its kind, dtype and shape."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from treexlite._core._containers import PLAIN_TYPES, holds_module, items_of
from treexlite._core._registry import is_array, is_module

_SHORT = {"float": "f", "uint": "u", "int": "i", "complex": "c", "bfloat": "bf", "bool": "bool"}
_WIDTH = 88


def render(module: Any) -> str:
    """Render `module` and everything below it; a shared module is shown once."""
    return _module(module, set())


def _module(module: Any, seen: set[int]) -> str:
    name = type(module).__name__
    if id(module) in seen:
        return f"{name}(...)"
    seen.add(id(module))
    metadata = module._tx_fields.metadata
    parts = []
    for field, value in vars(module).items():
        if field.startswith("__") and field.endswith("__"):
            continue
        meta = metadata.get(field)
        kind = meta.kind.__name__ if meta is not None and meta.kind is not type(None) else ""
        text = _value(value, seen)
        parts.append(f"{field}={kind + ' ' if kind and not holds_module(value) else ''}{text}")
    modes = module._tx_modes
    parts += [] if modes.training else ["training=False"]
    parts += ["frozen=True"] if modes.frozen else []
    return _layout(f"{name}(", parts, ")")


def _layout(opening: str, parts: list[str], closing: str) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    body = textwrap.indent(",\n".join(parts), "  ")
    return f"{opening}\n{body},\n{closing}"


def _value(value: Any, seen: set[int]) -> str:
    if is_module(value):
        return _module(value, seen)
    if is_array(value):
        return array_text(value)
    if type(value) not in PLAIN_TYPES and (items := items_of(value)) is not None:
        return _container(value, list(items), seen)
    if isinstance(value, np.dtype):
        return dtype_text(value)
    if callable(value):
        return getattr(value, "__name__", None) or _shortened(value)
    return _shortened(value)


def _container(value: Any, items: list[tuple[Any, Any]], seen: set[int]) -> str:
    if len(items) > 64 and not holds_module(value):
        return f"{type(value).__name__} of {len(items)} items"
    if isinstance(value, dict):
        return _layout("{", [f"{key!r}: {_value(item, seen)}" for key, item in items], "}")
    if type(value) is list:
        return _layout("[", [_value(item, seen) for _, item in items], "]")
    if type(value) is tuple:
        closing = ",)" if len(items) == 1 else ")"
        return _layout("(", [_value(item, seen) for _, item in items], closing)
    named = [(name, item) for name, item in zip(_names(value, items), items, strict=True)]
    parts = [f"{name}={_value(item, seen)}" for name, (_, item) in named]
    return _layout(f"{type(value).__name__}(", parts, ")")


def _names(value: Any, items: list[tuple[Any, Any]]) -> list[Any]:
    return list(getattr(value, "_fields", None) or [key for key, _ in items])


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def array_text(value: Any) -> str:
    """Render an array as dtype and shape: `f32[8, 3]`."""
    return f"{dtype_text(value.dtype)}{list(value.shape)}"


def dtype_text(dtype: Any) -> str:
    """Abbreviate a dtype: `float32` to `f32`, `key<fry>` as it is."""
    name = str(dtype)
    stem = name.rstrip("0123456789")
    return _SHORT[stem] + name[len(stem) :] if stem in _SHORT else name
