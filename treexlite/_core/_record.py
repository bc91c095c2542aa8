"""The record of a module: what we know about it beside its attributes.

It lives in slots, so `vars(module)` has the user's attributes and nothing else. In: a new or
changed module. Out: its record set. Flattened and rebuilt modules pass through here on every plain
`jax.jit` call, so the slots are set through their descriptors and what can wait is left unset.
"""

from __future__ import annotations

import functools
import itertools
import operator
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax

try:
    from jax.extend.core import get_opaque_trace_state
except ImportError:  # before JAX 0.10 it had another home and a mandatory argument
    get_opaque_trace_state = functools.partial(jax.core.get_opaque_trace_state, convention="flax")


class Modes(NamedTuple):
    """A module's own modes, and the inline submodules of its compact methods (or None)."""

    training: bool
    frozen: bool
    compact: Any


NEW_MODES = Modes(training=True, frozen=False, compact=None)


class Record:
    """The slots of every module.

    Attributes:
        _tx_version: a number that no other module has had; a new one when the structure may have
            changed. Negative for a module that JAX has unflattened and that `_lost` still watches.
        _tx_layout: the cached `Layout`, or None.
        _tx_entry: what `_lost` knows about a module that was written to; unset for most.
        _tx_modes: training, frozen, compact.
        _tx_trace: the trace in which the module was made.
        _tx_walk: the cached walk below this module; may be unset.
        _tx_ready: whether no field waits for `init`, as far as known; may be unset.
        _tx_watched: copies of the containers in `_tx_layout.watch`; unset while there is no layout.
    """

    __slots__ = (
        "_tx_entry",
        "_tx_layout",
        "_tx_modes",
        "_tx_ready",
        "_tx_trace",
        "_tx_version",
        "_tx_walk",
        "_tx_watched",
    )


array_writes = [0]
"""How many arrays users have put in place of others: whoever remembers buffers looks here."""

INTERNAL = frozenset(Record.__slots__)
versions = itertools.count(1)
unflattened_versions = itertools.count(-1, -1)
version_of: Callable[[Any], int] = operator.attrgetter("_tx_version")
_slots = vars(Record)
_set_version, _set_layout = _slots["_tx_version"].__set__, _slots["_tx_layout"].__set__
_set_modes, _set_trace = _slots["_tx_modes"].__set__, _slots["_tx_trace"].__set__
_set_ready, _set_walk = _slots["_tx_ready"].__set__, _slots["_tx_walk"].__set__
set_watched: Callable[[Any, Any], None] = _slots["_tx_watched"].__set__


def trace_state() -> Any:
    """Return a token that is equal for the same trace, and for no two different ones."""
    return get_opaque_trace_state()


@functools.cache
def top_level_trace() -> Any:
    """Return the token of code that no transformation traces; it is the same in every thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(trace_state()))
    thread.start()
    thread.join()
    return found[0]


def start(module: Any, modes: Modes) -> None:
    """Begin the record of a new module."""
    _set_version(module, next(versions))
    _set_layout(module, None)
    _set_modes(module, modes)
    _set_trace(module, get_opaque_trace_state())


def instantiate(layout: Any, numbers: Iterator[int] = versions) -> Any:
    """Make an empty module of this layout: no attributes yet, but its class and its modes."""
    module: Any = object.__new__(layout.cls)
    _set_version(module, next(numbers))
    _set_layout(module, layout)
    _set_modes(module, layout.flags)
    _set_trace(module, get_opaque_trace_state())
    return module


def restructure(module: Any, layout: Any) -> None:
    """Give an existing module another layout; its attributes were replaced already."""
    _renew(module)
    keep_layout(module, layout)
    _set_modes(module, layout.flags)
    _set_ready(module, False)


def touch(module: Any) -> None:
    """Take note that the structure of a module may have changed."""
    _renew(module)
    keep_layout(module, None)
    _set_walk(module, None)
    _set_ready(module, False)


def _renew(module: Any) -> None:
    numbers = versions if module._tx_version > 0 else unflattened_versions
    _set_version(module, next(numbers))


def adopt(module: Any) -> None:
    """Treat an unflattened module like one that the user has made."""
    _set_version(module, next(versions))


def keep_layout(module: Any, layout: Any) -> None:
    """Cache the layout of a module, or forget it with None.

    It lies in an open entry instead, so that `flatten` finds none and comes to close the entry.
    """
    if module._tx_version < 0:
        entry = getattr(module, "_tx_entry", None)
        if entry is not None and entry.ledger is not None:
            entry.layout, layout = layout, None
    _set_layout(module, layout)


def known_layout(module: Any) -> Any:
    """Return the cached layout of a module, or None."""
    layout = module._tx_layout
    if layout is None and module._tx_version < 0:
        entry = getattr(module, "_tx_entry", None)
        return None if entry is None or entry.ledger is None else entry.layout
    return layout


def change_modes(module: Any, **changes: Any) -> None:
    """Set some of the modes of this module alone."""
    _set_modes(module, module._tx_modes._replace(**changes))
    touch(module)
