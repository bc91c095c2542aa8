"""What a compiled function was traced for, and what differed from trace to trace.

In: each trace of a `tx.jit`. Out: its last `Trace`s, in terms of structure and text: no module, no
array and no tracer is kept. `changes` compares two of them; `History.add` notices when one static
attribute is all that changes, call after call.
"""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from treexlite._config import config
from treexlite._core._differences import ABSENT, Difference, differences, shown
from treexlite._core._frames import user_line
from treexlite._core._graph import Spec
from treexlite._core._paths import join, leaf_paths, places
from treexlite._core._registry import is_numeric
from treexlite._errors import RetraceWarning
from treexlite.transforms._pack import is_hole
from treexlite.transforms._static_arguments import Statics

_MOST = 8
_FEW = 4


class Trace(NamedTuple):
    """One trace.

    Attributes:
        number: the how manieth trace it was, from 1.
        call: the number of calls until then.
        specs: the structure of the modules in the arguments, as they were packed.
        roots: the name of each of these modules.
        statics: the static arguments.
        arguments: what the other arguments were, in text, by path.
        data: for each slot of `specs` the same by path below the slot.
    """

    number: int
    call: int
    specs: tuple[Spec, ...]
    roots: tuple[str, ...]
    statics: Statics
    arguments: dict[str, str]
    data: tuple[tuple[tuple[str, str], ...], ...]


class History:
    """The last traces of one function.

    Attributes:
        count: how many there were.
        calls: how many calls there were.
        traces: the last of them.
    """

    def __init__(self, function: Callable[..., Any], num_known: int) -> None:
        self.name = getattr(function, "__name__", "function")
        self.parameters = _parameters(function)
        self.num_known = num_known
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self.count = self.calls = 0
        self.traces: deque[Trace] = deque(maxlen=_MOST)
        self._warned: set[str] = set()

    def add(
        self, specs: tuple[Spec, ...], statics: Statics, arguments: Any, leaves: Sequence[Any]
    ) -> None:
        """Record a trace, from inside it.

        Raises:
            RetraceWarning: where warnings are errors.
        """
        self.count += 1
        texts, roots = self._described(arguments)
        data = tuple(map(_data, leaves))
        trace = Trace(self.count, self.calls, specs, roots, statics, texts, data)
        self.traces.append(trace)
        if config.retrace != "off":
            self._warn()

    def _described(self, arguments: Any) -> tuple[dict[str, str], tuple[str, ...]]:
        flat, _ = jax.tree_util.tree_flatten_with_path(arguments, is_leaf=is_hole)
        texts: dict[str, str] = {}
        roots: dict[int, str] = {}
        for keys, leaf in flat:
            if is_hole(leaf):
                roots[leaf.index] = self._root(keys)
            else:
                texts[self._path(keys)] = _text(leaf)
        return texts, tuple(roots[number] for number in sorted(roots))

    def _path(self, keys: tuple[Any, ...]) -> str:
        rest: str = jax.tree_util.keystr(keys[2:])
        if keys[0].idx == 0:
            return f"args[{keys[1].idx - self.num_known}]{rest}"
        return f"kwargs[{keys[1].key!r}]{rest}"

    def _root(self, keys: tuple[Any, ...]) -> str:
        """Name a module by its parameter, when it is the whole argument."""
        if len(keys) == 2 and keys[0].idx == 1:
            return str(keys[1].key)
        if len(keys) == 2 and keys[1].idx < len(self.parameters):
            return str(self.parameters[keys[1].idx])
        return self._path(keys)

    def _warn(self) -> None:
        """Warn when static attributes are all that has changed, and did from call to call."""
        last = list(self.traces)[-_FEW:]
        pairs = list(itertools.pairwise(last))
        if len(last) < _FEW or any(b.call != a.call + 1 for a, b in pairs):
            return
        steps = [structural_changes(a, b) for a, b in pairs]
        places = [[(d.what, d.path) for d in step] for step in steps]
        if any(place != places[0] for place in places) or last[0].statics != last[-1].statics:
            return
        for number, (what, path) in enumerate(places[0]):
            values = [steps[0][number].old, *(step[number].new for step in steps)]
            if what == "static" and len(set(values)) == _FEW and path not in self._warned:
                self._warned.add(path)
                self._warn_about(path, values)

    def _warn_about(self, path: str, values: list[str]) -> None:
        line = user_line()
        warnings.warn_explicit(
            self._message(path, values),
            RetraceWarning,
            line.file,
            line.number,
            line.module.get("__name__", "<unknown>"),
            line.module.setdefault("__warningregistry__", {}),
        )

    def _message(self, path: str, values: list[str]) -> str:
        field = path.rsplit("/", 1)[-1]
        return (
            f"tx.jit of `{self.name}`: expected the static attribute `{path}` to stay the same,"
            f" received a new value at each of the last {_FEW} calls ({' -> '.join(values)}), and"
            f" each compiles the function again. Declare `{field}` as data:"
            f" `{field}: jax.Array = tx.State.node()`."
        )


def changes(before: Trace, after: Trace) -> list[Difference]:
    """Return all that differs between two traces."""
    return [
        *structural_changes(before, after),
        *_static_changes(before, after),
        *_text_changes("data", _data_texts(before), _data_texts(after)),
        *_text_changes("argument", before.arguments, after.arguments),
    ]


def structural_changes(before: Trace, after: Trace) -> list[Difference]:
    """Return what differs in the structure of the modules."""
    if (before.roots, len(before.specs)) != (after.roots, len(after.specs)):
        if before.roots == after.roots:
            texts = ["share nothing" if len(t.specs) > 1 else "share" for t in (before, after)]
            return [Difference(", ".join(after.roots), "sharing", *texts)]
        lists = [", ".join(trace.roots) or ABSENT for trace in (before, after)]
        return [Difference("arguments", "modules", *lists)]
    joint = len(after.specs) != len(after.roots)
    return [
        difference._replace(path=_named(difference.path, after.roots)) if joint else difference
        for number, (old, new) in enumerate(zip(before.specs, after.specs, strict=True))
        for difference in differences(old, new, "" if joint else after.roots[number])
    ]


def _named(path: str, roots: tuple[str, ...]) -> str:
    """Replace the number of a root, with which paths in a joint structure begin, by its name."""
    head, _, rest = path.partition("/")
    return join(roots[int(head)], rest) if rest else roots[int(head)] if head else ""


def _static_changes(before: Trace, after: Trace) -> list[Difference]:
    old, new = dict(before.statics), dict(after.statics)
    return [
        Difference(
            str(place),
            "static argument",
            shown(old[place].value) if place in old else ABSENT,
            shown(new[place].value) if place in new else ABSENT,
        )
        for place in {**old, **new}
        if old.get(place) != new.get(place)
    ]


def _text_changes(what: str, old: dict[str, str], new: dict[str, str]) -> list[Difference]:
    return [
        Difference(path, what, old.get(path, ABSENT), new.get(path, ABSENT))
        for path in {**old, **new}
        if old.get(path) != new.get(path)
    ]


def _data_texts(trace: Trace) -> dict[str, str]:
    """Return the text of every leaf of the modules by its path."""
    joint = len(trace.specs) != len(trace.roots)
    texts = iter(trace.data)
    found: dict[str, str] = {}
    for number, spec in enumerate(trace.specs):
        for slot, leaves in zip(places(spec).slots, texts, strict=False):
            path = slot.path if joint else join(trace.roots[number], slot.path)
            path = _named(path, trace.roots) if joint else path
            found.update((join(path, below) if below else path, text) for below, text in leaves)
    return found


def _data(value: Any) -> tuple[tuple[str, str], ...]:
    if is_numeric(value):
        return (("", _text(value)),)
    return tuple((path, _text(leaf)) for path, leaf in leaf_paths("", value))


def _text(leaf: Any) -> str:
    aval = getattr(leaf, "aval", leaf)
    shape, dtype = getattr(aval, "shape", None), getattr(aval, "dtype", None)
    if shape is None:
        return type(leaf).__name__
    weak = " (weakly typed)" if getattr(aval, "weak_type", False) else ""
    return f"{dtype}[{','.join(map(str, shape))}]{weak}"


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.kind in kinds)
