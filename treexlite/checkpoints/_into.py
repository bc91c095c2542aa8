"""Loading into the user's own tree.

In: an open checkpoint, of ours or of another format, and a tree. Out: what was loaded. What
mutates: the tree, all of it or nothing: first everything is planned from the manifest alone, then
every array is read and checked, then they are written.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import jax

from treexlite._core._calls import lazy_fields
from treexlite._core._filters import Filter
from treexlite._core._named import canonical_paths
from treexlite._core._paths import FieldInfo, join
from treexlite._core._rename import Rename, renamed
from treexlite._core._state_dict import LoadReport, Plan, like, plan
from treexlite._core._tree import modules
from treexlite._errors import NotInitializedError
from treexlite.checkpoints import _nodes, _plain
from treexlite.checkpoints._dtypes import dtype_of, is_exact
from treexlite.checkpoints._manifest import Entry, to_json
from treexlite.checkpoints._structure import ROOT


class Source(Protocol):
    """An open checkpoint.

    Attributes:
        path: where it is, for errors.
        node: what the tree looks like; see `_structure`.
        infos: of each array, with its `Entry` as the value.
    """

    path: str
    node: Any
    infos: list[FieldInfo]

    def suspicion(self) -> AbstractContextManager[Any]:
        """Turn the errors of a malformed manifest in a `with` block into a `CheckpointError`."""

    def arrays(self, wanted: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """Read and check arrays.

        Args:
            wanted: `{path: (name of an array, leaf that it replaces)}`.

        Returns:
            `{path: array}`.

        Raises:
            CheckpointError: the bytes of one are not those that were saved.
        """


class Saved(NamedTuple):
    """An array of a checkpoint, as a plan sees it.

    Attributes:
        shape: of the array.
        dtype: of the array.
        name: of its data in the checkpoint.
        checksums: equal ones mean equal data.
    """

    shape: tuple[int, ...]
    dtype: Any
    name: str
    checksums: tuple[str, ...]


class Options(NamedTuple):
    """The options of `load`."""

    strict: bool = True
    rename: Rename | None = None
    filters: tuple[Filter, ...] = ()
    cast: bool = False
    statics: bool = False


def load_into(checkpoint: Source, tree: Any, options: Options) -> tuple[Any, LoadReport]:
    """Write the data of a checkpoint into `tree`, in place; see `load`.

    Returns:
        The tree (another one when it is a tuple or an array), and what was loaded.

    Raises:
        StateDictError: the checkpoint does not fit.
        CheckpointError: it is damaged.
        ArgumentError: `rename` gives two entries one name.
        PathError: a path pattern matches nothing.
        NotInitializedError: a module waits for `init`.
    """
    where = f"load of {checkpoint.path}"
    _require_initialised(where, tree)
    made = _planned(where, checkpoint, tree, options)
    made.require(where, options.strict, wrong=options.strict)
    values = _values(checkpoint, made)
    different = _different(where, checkpoint, tree, options.rename)
    tree = made.write(tree, values)
    if options.statics:
        for module, name, value in different.values():
            setattr(module, name, value)
    return tree, dataclasses.replace(made.report(), different=tuple(different))


def _require_initialised(where: str, tree: Any) -> None:
    for path, module in modules(tree):
        if waiting := lazy_fields(module):
            raise NotInitializedError(
                where,
                expected="a tree of initialised modules",
                received=f"one in which `{join(path, waiting[0])}` is not created yet",
                fix="Call `model = model.init(key, inputs)` first: it makes what is loaded into.",
            )


def _planned(where: str, checkpoint: Source, tree: Any, options: Options) -> Plan:
    with checkpoint.suspicion():
        entries: dict[str, Any] = {
            info.path: _saved(info.path or ROOT, info.value) for info in checkpoint.infos
        }
        outside, inside = _nodes.values(checkpoint.node)
        aliases = _nodes.aliases(checkpoint.node)
    entries.update(outside)
    optional = renamed(where, {**inside, **_by_other_names(entries, aliases)}, options.rename)
    entries = renamed(where, entries, options.rename)
    conflicts = _conflicts(tree, entries)
    everything = {**optional, **entries}
    made = plan(where, tree, everything, None, options.filters)
    unexpected = tuple(path for path in made.unexpected if path in entries)
    wrong = {**made.wrong, **{p: why for p, why in conflicts.items() if p in made.wanted}}
    if not options.cast:
        wrong = {**_rounded(made), **wrong}
    return dataclasses.replace(made, unexpected=unexpected, wrong=wrong)


def _saved(name: str, entry: Entry) -> Saved:
    if entry.form == "key":
        return Saved(entry.shape[:-1], _key_dtype(str(entry.impl)), name, entry.checksums)
    return Saved(entry.shape, dtype_of(entry.dtype), name, entry.checksums)


@functools.cache
def _key_dtype(impl: str) -> Any:
    return jax.eval_shape(lambda: jax.random.key(0, impl=impl)).dtype


def _by_other_names(entries: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Return the data of shared modules by their other paths, where a tree may not share them."""
    found = dict(entries)
    for alias, first in aliases.items():
        below = f"{first}/" if first else ""
        for path in [path for path in found if path == first or path.startswith(below)]:
            found.setdefault(
                join(alias, path[len(below) :]) if path != first else alias, found[path]
            )
    return {path: value for path, value in found.items() if path not in entries}


def _conflicts(tree: Any, entries: Mapping[str, Any]) -> dict[str, str]:
    """Return what the checkpoint has twice, with other data, where `tree` shares one array."""
    canonical = canonical_paths(tree)
    first: dict[str, str] = {}
    wrong = {}
    for path, saved in entries.items():
        place = canonical(path)
        other = entries[first.setdefault(place, path)]
        if isinstance(saved, Saved) and isinstance(other, Saved) and saved[:2] == other[:2]:
            same = saved.checksums == other.checksums
        elif isinstance(saved, Saved) or isinstance(other, Saved):
            same = False
        else:
            same = _same(saved, other)  # NaN is NaN
        if not same:
            why = f"expected one value, which several modules share, received others at {path!r}"
            wrong[place] = why
    return wrong


def _rounded(made: Plan) -> dict[str, str]:
    """Return what would lose bits in the dtype of its place."""
    return {
        path: f"expected a dtype that {old.dtype} holds exactly, received {saved.dtype};"
        " `cast=True` rounds it"
        for path, saved in made.loadable.items()
        if isinstance(saved, Saved)
        and hasattr(old := made.wanted[path], "dtype")
        and saved.dtype != old.dtype
        and not is_exact(saved.dtype, old.dtype)
    }


def _values(checkpoint: Source, made: Plan) -> dict[str, Any]:
    arrays, values = {}, {}
    for path, saved in made.loadable.items():
        old = made.wanted[path]
        if isinstance(saved, Saved):
            arrays[path] = saved.name, old
        else:
            values[path] = like(old, saved)
    return {**values, **checkpoint.arrays(arrays)}


def _different(
    where: str, checkpoint: Source, tree: Any, rename: Rename | None
) -> dict[str, tuple[Any, str, Any]]:
    """Return `{path: (module, name, saved value)}` of plain attributes with another value."""
    with checkpoint.suspicion():
        saved = renamed(where, _nodes.statics(checkpoint.node), rename)
    found = {}
    for path, module in modules(tree):
        for name, value in vars(module).items():
            place = join(path, name)
            if place in saved and _plain.is_plain(value) and not _same(value, saved[place]):
                found[place] = (module, name, saved[place])
    return found


def _same(value: Any, other: Any) -> bool:
    return to_json(_plain.encode(value)) == to_json(_plain.encode(other))
