"""State dicts: the data of a module as `{path: array}`, out and in again.

In: a module, or a mapping. Out: a mapping, or a report of what was loaded. Loading checks
everything before it writes anything, and lists every entry that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._core import _tree
from treexlite._core._filters import Filter
from treexlite._core._graph import modules_of, walk
from treexlite._core._lost import close_all
from treexlite._core._paths import leaf_paths, places, slot_numbers
from treexlite._core._registry import is_numeric
from treexlite._errors import ArgumentError, StateDictError, describe

Rename: TypeAlias = "Mapping[str, str] | Callable[[str], str]"


@dataclass(frozen=True)
class LoadReport:
    """What `load_state_dict` did.

    Attributes:
        loaded: paths that were written.
        missing: paths of the module for which there was no entry.
        unexpected: entries that the module has no place for.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def state_dict(module: Any, *filters: Filter) -> dict[str, Any]:
    """Return `{path: array}`; a shared module's data appears once, under its first path."""
    close_all(modules_of(module, walk(module)))
    return {info.path: info.value for info in _tree.fields(module, *filters)}


def load_state_dict(
    module: Any, entries: Mapping[str, Any], strict: bool, rename: Rename | None
) -> LoadReport:
    """Write `entries` into `module`; see `Module.load_state_dict`."""
    entries = _renamed(entries, rename)
    found = walk(module)
    values = found.values()
    wanted: dict[str, tuple[int, Any]] = {}
    for number, slot in enumerate(places(found.spec).slots):
        for path, leaf in leaf_paths(slot.path, values[number]):
            wanted[path] = (number, leaf)
    aliases = _aliases(found.spec)
    entries = {aliases(path): value for path, value in entries.items()}
    missing = tuple(path for path in wanted if path not in entries)
    unexpected = tuple(path for path in entries if path not in wanted)
    wrong = [
        f"{path}: expected {describe(wanted[path][1])}, received {describe(value)}"
        for path, value in entries.items()
        if path in wanted and not _fits(wanted[path][1], value)
    ]
    if wrong or (strict and (missing or unexpected)):
        raise _misfit(module, missing if strict else (), unexpected if strict else (), wrong)
    replaced = list(values)
    for number, slot in enumerate(places(found.spec).slots):
        flat = leaf_paths(slot.path, values[number])
        if any(path in entries for path, _ in flat):
            leaves = [_like(leaf, entries.get(path, leaf)) for path, leaf in flat]
            treedef = jax.tree_util.tree_structure(values[number])
            replaced[number] = jax.tree_util.tree_unflatten(treedef, leaves)
    _tree.write_values(module, found, replaced)
    return LoadReport(tuple(p for p in wanted if p in entries), missing, unexpected)


def _fits(old: Any, new: Any) -> bool:
    """Whether an entry has the shape of a field, and is of a kind that it can hold."""
    same_shape = is_numeric(new) and jnp.shape(new) == jnp.shape(old)
    return same_shape and _rank(jnp.result_type(new)) <= _rank(jnp.result_type(old))


def _rank(dtype: Any) -> int:
    """Order the kinds of numbers: what comes later can hold what comes before."""
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating)
    return next((n for n, kind in enumerate(kinds) if jnp.issubdtype(dtype, kind)), len(kinds))


def _like(old: Any, new: Any) -> Any:
    """Give a loaded entry the dtype of the array that it replaces."""
    if new is old or jnp.issubdtype(jnp.result_type(new), jax.dtypes.extended):
        return new
    return jnp.asarray(new, dtype=jnp.result_type(old))


def _aliases(spec: Any) -> Callable[[str], str]:
    numbers = slot_numbers(spec)
    slots = places(spec).slots
    return lambda path: slots[numbers[path]].path if path in numbers else path


def _renamed(entries: Mapping[str, Any], rename: Rename | None) -> dict[str, Any]:
    if rename is None:
        return dict(entries)
    renamed: dict[str, Any] = {}
    for path, value in entries.items():
        new = rename(path) if callable(rename) else _prefixed(path, rename)
        if new in renamed:
            raise ArgumentError(
                "load_state_dict",
                expected="`rename` to give every entry a name of its own",
                received=f"two entries that become {new!r}",
                fix="Make the new names distinct.",
            )
        renamed[new] = value
    return renamed


def _prefixed(path: str, prefixes: Mapping[str, str]) -> str:
    for old in sorted(prefixes, key=len, reverse=True):
        if path == old or path.startswith(f"{old}/"):
            return (prefixes[old] + path[len(old) :]).strip("/")
    return path


def _misfit(
    module: Any, missing: tuple[str, ...], unexpected: tuple[str, ...], wrong: list[str]
) -> StateDictError:
    parts = []
    if missing:
        parts.append(f"without {', '.join(missing)}")
    if unexpected:
        parts.append(f"with unexpected {', '.join(unexpected)}")
    if wrong:
        parts.append(f"with wrong shapes or dtypes ({'; '.join(wrong)})")
    return StateDictError(
        f"{type(module).__name__}.load_state_dict",
        expected="one entry of the right shape for each path of the module",
        received=f"entries {', '.join(parts)}",
        fix=(
            "Load from a model built alike, give `rename=` to map names, or pass `strict=False` to"
            " load what fits by name."
        ),
    )
