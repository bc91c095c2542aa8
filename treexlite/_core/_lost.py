"""The net for lost mutations: plain JAX drops a module that the function wrote to.

JAX gives a traced function modules of its own. What is written to them reaches the caller only when
they are flattened again, as part of the result. In: every write to a module that was unflattened.
Out: a `LostMutationWarning` (or error) when the last such module of a trace is dropped.

How it works. `unflatten` gives its modules negative versions, which costs nothing. The first write
to one asks whether it is an argument of a function that JAX is tracing; only then does it get an
`Entry`, which leads to the `Ledger` of the trace. While an entry is open the cached layout of the
module lies in the entry, so `flatten` comes by and closes it, and the record is struck from the
ledger. A ledger that dies with records in it, while its trace still runs, reports them. When the
function raised, its frames keep the modules alive until the trace is over, and nothing is reported.

What it cannot see: a list or dict that is changed in place, and a write after which the module is
flattened for another purpose (`jax.tree.leaves(model)`).
"""

from __future__ import annotations

import itertools
import sys
import threading
import warnings
import weakref
from collections.abc import Iterable
from typing import Any

from treexlite._config import config
from treexlite._core._containers import items_of
from treexlite._core._frames import Argument, Line, argument_of, jax_frames, user_line
from treexlite._core._raise_at_return import can_raise_at_return, raise_at_return
from treexlite._core._record import (
    adopt,
    keep_layout,
    known_layout,
    top_level_trace,
    trace_state,
)
from treexlite._core._registry import is_array, is_module
from treexlite._core._statics import static_key
from treexlite._errors import LostMutationError, LostMutationWarning


class Entry:
    """Sits in the module: its layout while the ledger has a record of it.

    Attributes:
        layout: the cached layout of the module.
        ledger: of the trace; None when the entry is closed.
        number: the number of the record in the ledger.
    """

    __slots__ = ("layout", "ledger", "number")

    def __init__(self) -> None:
        self.layout: Any = None
        self.ledger: Ledger | None = None
        self.number = 0


class Written:
    """The record of one module: what was written since it was made or flattened."""

    __slots__ = ("argument", "before", "cls", "lines")

    def __init__(self, cls: str, argument: Argument) -> None:
        self.cls, self.argument = cls, argument
        self.before: dict[str, Any] = {}
        self.lines: dict[str, Line] = {}


class Ledger:
    """What was written to the modules of one trace; it dies with the last open entry."""

    __slots__ = ("__weakref__", "records", "trace")

    def __init__(self, trace: Any) -> None:
        self.trace = trace
        self.records: dict[int, Written] = {}

    def __del__(self) -> None:
        if not self.records or sys.is_finalizing() or self.trace != trace_state():
            return
        error = _report(list(self.records.values()))
        if error is not None:
            trace = self.trace
            raise_at_return(jax_frames(), lambda: bool(trace != trace_state()), error)


class _Live(threading.local):
    def __init__(self) -> None:
        self.ledgers: list[weakref.ref[Ledger]] = []

    def of(self, trace: Any) -> Ledger:
        alive = [ledger for ref in self.ledgers if (ledger := ref()) is not None]
        for ledger in alive:
            if ledger.trace == trace:
                return ledger
        ledger = Ledger(trace)
        self.ledgers = [weakref.ref(known) for known in (*alive, ledger)]
        return ledger


_live = _Live()
_numbers = itertools.count()


def note_write(module: Any, name: str, before: Any, value: Any) -> None:
    """Take note that `name` of an unflattened module was `before` and is now `value`."""
    if module._tx_trace == top_level_trace():
        adopt(module)  # it came out of a transformation: the user's own from now on
        return
    entry: Entry | None = getattr(module, "_tx_entry", None)
    if entry is None or entry.ledger is None:
        if config.lost_mutation == "off" or _mark(before) == _mark(value):
            return
        argument = argument_of(module)
        if argument is None:
            adopt(module)  # made inside the function, by `jax.tree.map` for example
            return
        entry = _open(module, entry or Entry(), argument)
    assert entry.ledger is not None
    written = entry.ledger.records[entry.number]
    old = written.before.setdefault(name, _Kept(before))
    written.lines.setdefault(name, user_line())
    if old.mark == _mark(value):
        del written.before[name], written.lines[name]
        if not written.before:
            close(module)


def _open(module: Any, entry: Entry, argument: Argument) -> Entry:
    layout = known_layout(module)
    entry.ledger, entry.number = _live.of(module._tx_trace), next(_numbers)
    entry.ledger.records[entry.number] = Written(type(module).__name__, argument)
    module._tx_entry = entry
    keep_layout(module, layout)
    return entry


def close(module: Any) -> None:
    """Take note that the data of `module` went on: it was flattened, copied, or is as before."""
    entry: Entry | None = getattr(module, "_tx_entry", None)
    if entry is not None and entry.ledger is not None:
        layout = entry.layout
        entry.ledger.records.pop(entry.number, None)
        entry.ledger = None
        keep_layout(module, layout)


def close_all(modules: Iterable[Any]) -> None:
    """Do so for several modules."""
    for module in modules:
        if module._tx_version < 0:
            close(module)


class _Kept:
    """The mark of a value, and the arrays that its ids refer to."""

    __slots__ = ("arrays", "mark")

    def __init__(self, value: Any) -> None:
        self.mark = _mark(value)
        self.arrays = value if is_array(value) else None


def _mark(value: Any) -> Any:
    """Return what is equal for the same value; holds no module, so that none stays alive."""
    if is_module(value) or is_array(value):
        return id(value)
    items = items_of(value)
    if items is not None:
        return type(value), tuple([(key, _mark(item)) for key, item in items])
    try:
        return static_key(value)
    except Exception:  # an object of another package, with traced values in it
        return id(value)


def _report(records: list[Written]) -> LostMutationError | None:
    """Warn, or return the error to raise."""
    first = min(records, key=lambda written: written.argument.path.count("/"))
    fields = list(first.lines)
    line = first.lines[fields[0]]
    names = ", ".join(f"`{name}`" for name in fields)
    more = len(records) - 1
    others = "" if not more else f" (and {more} other module{'s' * (more > 1)})"
    parts = {
        "expected": (
            f"the module to be returned by `{first.argument.function}`, which plain JAX calls with"
            " a copy"
        ),
        "received": f"a write to {names} at {line}{others}, which is lost",
        "fix": (
            "Use the `tx` form of the transformation (`tx.jit`, `tx.grad`, ...), which carries the"
            " change out, or return the module."
        ),
    }
    error = LostMutationError(first.cls, **parts)
    error.path = first.argument.path
    if config.lost_mutation == "error" and can_raise_at_return():
        return error
    registry = line.module.setdefault("__warningregistry__", {})
    name = line.module.get("__name__", "<unknown>")
    try:
        warnings.warn_explicit(
            str(error), LostMutationWarning, line.file, line.number, name, registry
        )
    except LostMutationWarning:  # a filter makes it an error
        return error if can_raise_at_return() else None
    return None
