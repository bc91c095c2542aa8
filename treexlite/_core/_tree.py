"""The tree verbs: filter, merge, map, apply, copy, partition, combine, replace.

In: a module, or a container with modules in it. Out: a new one of the same structure. Every verb
takes the graph apart (`_graph.walk`), decides about each piece of data, and builds it again, so
shared modules stay shared. Nothing is mutated unless a verb says `inplace`.
"""

from __future__ import annotations

import builtins
import difflib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from treexlite._core import _filters
from treexlite._core._choices import first, is_leaf, mapped, select, slot_infos, whole_slots
from treexlite._core._filters import Filter
from treexlite._core._graph import Spec, Walk, modules_of, walk
from treexlite._core._guard import check_owned
from treexlite._core._identity import Copies
from treexlite._core._kinds import Parameter
from treexlite._core._lost import close_all, note_write
from treexlite._core._nothing import Nothing
from treexlite._core._paths import FieldInfo, leaf_paths, places, slot_numbers
from treexlite._core._record import array_writes, change_modes
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, is_module, is_numeric
from treexlite._core._write_back import write_back
from treexlite._errors import StructureError, UnknownFieldError, describe

T = TypeVar("T")


def is_differentiable(info: FieldInfo) -> bool:
    """Filter: real floating data of modules that are not frozen."""
    return not (is_module(info.module) and info.module.frozen) and _is_floating(info.value)


def _is_floating(value: Any) -> bool:
    if type(value) in CONCRETE_ARRAY_TYPES:
        return _is_floating_dtype(value.dtype)
    return is_numeric(value) and _is_floating_dtype(jnp.result_type(value))


@functools.cache
def _is_floating_dtype(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating))


def is_trainable(info: FieldInfo) -> bool:
    """Filter: floating parameters of modules that are not frozen."""
    return issubclass(info.kind, Parameter) and is_differentiable(info)


def modules(tree: Any) -> Iterator[tuple[str, Any]]:
    """Iterate over `(path, module)` in order of appearance, shared modules once."""
    found = walk(tree)
    yield from zip(places(found.spec).modules, modules_of(tree, found), strict=True)


def fields(tree: Any, *filters: Filter) -> Iterator[FieldInfo]:
    """Iterate over every piece of data for which all `filters` hold.

    Raises:
        PathError: a path pattern matches nothing.
    """
    found = walk(tree)
    slots = slot_infos(tree, found)
    whole = whole_slots(found, filters)
    if whole is not None:
        yield from itertools.chain.from_iterable(itertools.compress(slots, whole))
        return
    infos = [info for slot in slots for info in slot]
    _filters.check_patterns("fields", filters, infos)
    yield from builtins.filter(_filters.All(*filters), infos)


def named(tree: Any, *filters: Filter) -> Iterator[tuple[str, Any]]:
    """Iterate over `(path, value)` of every piece of data for which all `filters` hold."""
    found = walk(tree)
    whole = whole_slots(found, filters)
    if whole is None:
        yield from ((info.path, info.value) for info in fields(tree, *filters))
        return
    pairs = zip(places(found.spec).slots, found.values(), strict=True)
    for slot, value in itertools.compress(pairs, whole):
        if is_leaf(value):
            yield slot.path, value
        else:
            yield from leaf_paths(slot.path, value)


def _same(leaf: Any) -> Any:
    return leaf


def _nothing(leaf: Any) -> Any:
    return Nothing


def _rebuild(tree: Any, where: str, filters: tuple[Filter, ...], f: Any, other: Any) -> Any:
    found = walk(tree)
    close_all(modules_of(tree, found))
    choices = select(where, tree, found, filters)
    return found.spec.build(mapped(found, choices, (other, f))).root


def filter(tree: T, *filters: Filter) -> T:
    """Keep the data for which all `filters` hold, and put `Nothing` in place of the rest.

    Raises:
        PathError: a path pattern matches nothing.

    Example:
        >>> import treexlite as tx
        >>> model = tx.nn.BatchNorm().init(0, jax.ShapeDtypeStruct((1, 3), "float32"))
        >>> tx.filter(model, tx.Parameter).mean
        Nothing
    """
    kept: T = _rebuild(tree, "filter", filters, _same, _nothing)
    return kept


def map(f: Callable[[Any], Any], tree: T, *filters: Filter) -> T:
    """Return a copy with `f` applied to every array for which all `filters` hold."""
    mapped: T = _rebuild(tree, "map", filters, f, _same)
    return mapped


def copy(tree: T) -> T:
    """Return a copy: new modules and containers, the same arrays, the same sharing."""
    found = walk(tree)
    close_all(modules_of(tree, found))
    copied: T = found.spec.build(_copied(found)).root
    return copied


def partition(tree: T, *filters: Filter) -> tuple[T, ...]:
    """Split the data: one tree for each filter, and a last one with what none of them took.

    The trees have the same structure, with `Nothing` where another tree has the data; `combine`
    puts them together again.

    Raises:
        PathError: a path pattern matches nothing.
    """
    found = walk(tree)
    close_all(modules_of(tree, found))
    chosen = [select("partition", tree, found, (f,)) for f in filters]
    parts = [first([holds[n] for holds in chosen]) for n in range(found.spec.num_slots)]
    trees = []
    for number in range(len(filters) + 1):
        functions = [_nothing] * (len(filters) + 1)
        functions[number] = _same
        trees.append(found.spec.build(mapped(found, parts, functions)).root)
    return tuple(trees)


def combine(tree: T, *others: T) -> T:
    """Put together what `partition` split."""
    return merge(tree, *others)


def merge(tree: T, *others: Any) -> T:
    """Return a copy of `tree` with the data of `others` laid over it, path by path."""
    found = walk(tree)
    close_all(modules_of(tree, found))
    return found.spec.build(_overlaid(tree, found, others)).root  # type: ignore[no-any-return]


def update(tree: T, *others: Any, inplace: bool = False) -> T:
    """Like `merge`; with `inplace=True` the data is written into `tree`."""
    if not inplace:
        return merge(tree, *others)
    found = walk(tree)
    write_values(tree, found, _overlaid(tree, found, others))
    return tree


def write_values(tree: Any, found: Walk, values: list[Any]) -> Any:
    """Write new data into the slots of a walk, in place.

    Returns:
        The tree; another one when it is a tuple, which cannot change.

    Raises:
        CapturedModuleError: a traced value would leak into a module outside the trace.
    """
    owners = modules_of(tree, found)
    changed = []
    for number, (old, new) in enumerate(zip(found.values(), values, strict=True)):
        if old is not new:
            slot = places(found.spec).slots[number]
            if slot.module >= 0:
                check_owned(owners[slot.module], slot.name, new)
                if owners[slot.module]._tx_version < 0:
                    note_write(owners[slot.module], slot.name, old, new)
            changed.append(number)
    if found.snapshot is not None:
        own = Copies(owners, found.containers).unchanged(found.containers)
        return write_back(found.spec, values, own)
    array_writes[0] += 1
    for number in changed:
        found.owners[number][found.names[number]] = values[number]
    return tree


def _overlaid(tree: Any, found: Walk, others: tuple[Any, ...]) -> list[Any]:
    values = list(found.values())
    for other in others:
        over = walk(other)
        close_all(modules_of(other, over))
        if over.spec is found.spec:
            pairs = zip(places(found.spec).slots, values, over.values(), strict=True)
            values = [_overlay(slot.path, left, right) for slot, left, right in pairs]
        else:
            _overlay_by_path(tree, found, values, over)
    return values


def _overlay_by_path(tree: Any, found: Walk, values: list[Any], over: Walk) -> None:
    here = slot_numbers(found.spec)
    unknown: list[str] = []
    written: set[int] = set()
    for slot, value in zip(places(over.spec).slots, over.values(), strict=True):
        number = here.get(slot.path)
        if number is None:
            unknown.extend(path for path, _ in leaf_paths(slot.path, value))
        elif number not in written:
            written.add(number)
            values[number] = _overlay(slot.path, values[number], value)
    if unknown:
        raise StructureError(
            f"merge into {type(tree).__name__}",
            expected="data at paths that the left side has",
            received=f"data at {', '.join(builtins.map(repr, unknown))}",
            fix="Merge modules that were built alike, or filter the right side first.",
        )


def _overlay(path: str, left: Any, right: Any) -> Any:
    """Lay the leaves of one slot over those of another; `Nothing` covers nothing."""
    if is_leaf(right):
        return right
    if right is Nothing:
        return left
    over, over_structure = _with_holes(right)
    present = [leaf for leaf in over if leaf is not Nothing]
    if len(present) == len(over) or not present or is_leaf(left):
        return right if present else left
    base, structure = _with_holes(left)
    if structure != over_structure:
        raise StructureError(
            "merge",
            expected=f"the same tree at `{path}` on both sides",
            received=f"{structure} and {over_structure}",
            fix="Merge modules that were built alike.",
        )
    merged = [a if b is Nothing else b for a, b in zip(base, over, strict=True)]
    return jax.tree_util.tree_unflatten(structure, merged)


def _with_holes(tree: Any) -> tuple[list[Any], Any]:
    """Flatten a tree with `Nothing` as a leaf."""
    return jax.tree_util.tree_flatten(tree, is_leaf=_is_nothing)


def _is_nothing(value: Any) -> bool:
    return value is Nothing


def apply(f: Callable[..., Any], tree: T, *rest: Any, inplace: bool = False) -> T:
    """Call `f` with every module of `tree`, inner ones first, for `f` to change it.

    Args:
        f: called as `f(module, *corresponding_modules_of_rest)`; its result is ignored.
        tree: a module, or a container of modules.
        rest: further trees of the same structure.
        inplace: change `tree` itself instead of a copy.

    Returns:
        The copy that was changed, or `tree`.

    Raises:
        StructureError: a tree of `rest` does not have as many modules as `tree`.
    """
    target = tree if inplace else copy(tree)
    columns = [[module for _, module in modules(t)] for t in (target, *rest)]
    for column in columns[1:]:
        if len(column) != len(columns[0]):
            raise StructureError(
                "apply",
                expected=f"trees with the same {len(columns[0])} modules",
                received=f"one with {len(column)}",
                fix="Pass trees that were built alike.",
            )
    for row in reversed(list(zip(*columns, strict=True))):
        f(*row)
    return target


def replace(module: Any, **changes: Any) -> Any:
    """Return a copy of `module` with some attributes replaced.

    Raises:
        UnknownFieldError: the module has no such attribute.
    """
    for name in changes:
        if name not in vars(module):
            close = difflib.get_close_matches(name, vars(module), n=3)
            raise UnknownFieldError(
                f"{type(module).__name__}.replace",
                expected=f"names of attributes ({', '.join(vars(module)) or 'there are none'})",
                received=f"{name}={describe(changes[name])}",
                fix=f"Did you mean {' or '.join(close)}?" if close else "Check the spelling.",
            )
    replaced = copy(module)
    for name, value in changes.items():
        setattr(replaced, name, value)
    return replaced


def with_modes(module: Any, inplace: bool, **changes: bool) -> Any:
    """Return `module` with the same modes set on it and on every module below."""
    if inplace:
        for _, member in modules(module):
            if member._tx_version < 0:
                for mode, value in changes.items():
                    note_write(member, mode, getattr(member._tx_modes, mode), value)
            change_modes(member, **changes)
        return module
    found = walk(module)
    close_all(modules_of(module, found))
    key = ("modes", *changes.items())
    spec: Spec | None = found.spec.cache.get(key)
    if spec is None:
        spec = found.spec.cache[key] = found.spec.relaid(lambda layout: layout.moded(changes))
    return spec.build(_copied(found)).root


def _copied(found: Walk) -> list[Any]:
    """Return the data of a walk, with new containers around the same arrays."""
    return mapped(found, [0] * found.spec.num_slots, (_same,))
