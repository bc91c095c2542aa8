"""Looking up the stack: which line of the user's wrote, and whose argument a module is.

In: the stack of the running thread. Out: a source line outside of JAX and of this package, or the
function that JAX called with a module somewhere in its arguments. Nothing is mutated, and no frame
is kept.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

import jax

from treexlite._core._containers import PLAIN_TYPES, items_of
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, is_jax_array, is_module

_JAX = os.path.dirname(jax.__file__) + os.sep
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep
_TREE_UTIL = "tree_util.py"


class Line(NamedTuple):
    """A line of source: file, number, and the module (with its registry of warnings)."""

    file: str
    number: int
    module: dict[str, Any]

    def __str__(self) -> str:
        return f"{os.path.relpath(self.file)}:{self.number}" if self.near else self.short

    @property
    def near(self) -> bool:
        """Whether the file is below the working directory."""
        return self.file.startswith(os.getcwd() + os.sep)

    @property
    def short(self) -> str:
        """The file without its folders, and the number."""
        return f"{os.path.basename(self.file)}:{self.number}"


class Argument(NamedTuple):
    """Where a module stands: the function that JAX called, and the path in its arguments."""

    function: str
    path: str


def _stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back


def user_line() -> Line:
    """Return the innermost line that is neither JAX's nor ours."""
    for frame in _stack():
        if not frame.f_code.co_filename.startswith((_JAX, _OURS)):
            break
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)


def argument_of(module: Any) -> Argument | None:
    """Return where `module` stands in the arguments of a function that JAX is calling.

    A function that is only mapped over a tree (`jax.tree.map`) does not count.
    """
    for frame in _stack():
        caller = frame.f_back
        if caller is None or frame.f_code.co_filename.startswith(_JAX):
            continue
        file = caller.f_code.co_filename
        if file.startswith(_JAX) and not file.endswith(_TREE_UTIL):
            path = _path_to(module, _arguments(frame))
            if path is not None:
                return Argument(frame.f_code.co_qualname, path)
    return None


def jax_frames() -> list[FrameType]:
    """Return the functions of JAX that are running, inner ones first, up to a user's function."""
    frames = []
    for frame in _stack():
        if not frame.f_code.co_filename.startswith((_JAX, _OURS)):
            break
        if frame.f_code.co_filename.startswith(_JAX):
            frames.append(frame)
    return frames


def _arguments(frame: FrameType) -> list[tuple[str, Any]]:
    code = frame.f_code
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]
    values = frame.f_locals
    return [(name, values[name]) for name in names if name in values]


def _path_to(module: Any, pending: list[tuple[str, Any]]) -> str | None:
    pending.reverse()
    seen: set[int] = set()
    while pending:
        path, value = pending.pop()
        if value is module:
            return path
        if id(value) in seen or type(value) in PLAIN_TYPES or type(value) in CONCRETE_ARRAY_TYPES:
            continue
        seen.add(id(value))
        found = [(f"{path}/{key}", item) for key, item in _items(value)]
        pending += reversed(found)
    return None


def _items(value: Any) -> list[tuple[Any, Any]]:
    if is_module(value):
        return list(vars(value).items())
    items = items_of(value)
    if items is not None:
        return list(items)
    if is_jax_array(value):
        return []
    leaves = jax.tree_util.tree_leaves(value, is_leaf=is_module)
    return [] if leaves and leaves[0] is value else list(enumerate(leaves))
