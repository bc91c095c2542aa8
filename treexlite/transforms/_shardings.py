"""Shardings of arguments and outputs, for trees that have modules in them.

In: what the user gave as `in_shardings` or `out_shardings`: one sharding, or a tree of them that is
a prefix of the arguments (or of the output). For a module that is a sharding for all of its data,
or `{kind: sharding}`. Out: a sharding (or None, which leaves the choice to JAX) for every array.

What a function writes to a module keeps the sharding of the module. That is a constraint inside the
compiled function and no `out_shardings` of `jax.jit`, because what is written is only known there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
from jax.sharding import PartitionSpec

from treexlite._core._graph import walk
from treexlite._core._kinds import Kind
from treexlite._core._paths import places
from treexlite._core._registry import is_module, is_numeric
from treexlite._core._tree import write_values
from treexlite._errors import StructureError
from treexlite.transforms._pack import Packed, is_hole


class Shardings(NamedTuple):
    """The shardings of one call.

    Attributes:
        roots: for each module in the arguments a sharding, `{kind: sharding}` or None.
        arguments: a tree like the packed arguments, without modules.
        data: one for each slot.
    """

    roots: tuple[Any, ...]
    arguments: Any
    data: tuple[Any, ...]


def is_kinds(spec: Any) -> bool:
    """Whether this is `{kind: sharding}`."""
    return (
        isinstance(spec, dict)
        and bool(spec)
        and all(isinstance(key, type) and issubclass(key, Kind) for key in spec)
    )


def resolve(spec: Any, packed: Packed, skipped: tuple[int, ...], num_known: int) -> Shardings:
    """Find the sharding of every array of a call.

    Args:
        spec: what the user gave as `in_shardings`.
        packed: the arguments of the call.
        skipped: positions of static arguments, which have no sharding.
        num_known: how many positional arguments the user does not count, such as `self`.

    Raises:
        StructureError: `spec` does not correspond to the arguments.
    """
    args, kwargs = packed.arguments
    if not _is_one(spec):
        given = [n for n in range(num_known, len(args)) if n not in skipped]
        if len(given) != len(spec):
            raise _mismatch("in_shardings", f"one for each of the {len(given)} arguments", spec)
        by_position = dict(zip(given, spec, strict=True))
        spec = ([by_position.get(n) for n in range(len(args))], None)
    pairs = matched("in_shardings", spec, (list(args), kwargs))
    roots = [None] * len(packed.roots)
    leaves = []
    for value, sharding in pairs:
        if is_hole(value):
            roots[value.index] = sharding
        else:
            leaves.append(None if is_kinds(sharding) else sharding)
    treedef = jax.tree_util.tree_structure(packed.arguments)
    arguments = jax.tree_util.tree_unflatten(treedef, leaves)
    return Shardings(tuple(roots), arguments, _of_slots(packed, roots))


def _of_slots(packed: Packed, roots: list[Any]) -> tuple[Any, ...]:
    joint = len(packed.walks) != len(packed.roots)
    return tuple(
        of_kind(roots[int(slot.path.partition("/")[0]) if joint else number], slot.kind)
        for number, spec in enumerate(packed.specs)
        for slot in places(spec).slots
    )


def of_kind(sharding: Any, kind: type) -> Any:
    """Return the sharding of a field; of `{kind: sharding}` the most specific kind counts."""
    if not is_kinds(sharding):
        return sharding
    return next((sharding[base] for base in kind.__mro__ if base in sharding), None)


def constrain(module: Any, sharding: Any, old: set[int]) -> None:
    """Give the data of a traced module its sharding, in place.

    Args:
        module: a module of the running trace.
        sharding: for all of it, or `{kind: sharding}`.
        old: ids of the data that came in and needs nothing.
    """
    if sharding is None:
        return
    found = walk(module)
    values = [
        value if id(value) in old else _constrained(value, of_kind(sharding, slot.kind))
        for slot, value in zip(places(found.spec).slots, found.values(), strict=True)
    ]
    write_values(module, found, values)


def constrain_output(output: Any, spec: Any) -> Any:
    """Return what a traced function returned with the shardings of `out_shardings`.

    Raises:
        StructureError: `spec` does not correspond to the output.
    """
    leaves = []
    for value, sharding in matched("out_shardings", spec, output):
        if is_module(value):
            constrain(value, sharding, set())
            leaves.append(value)
        else:
            leaves.append(_constrained(value, None if is_kinds(sharding) else sharding))
    treedef = jax.tree_util.tree_structure(output, is_leaf=is_module)
    return jax.tree_util.tree_unflatten(treedef, leaves)


def _constrained(value: Any, sharding: Any) -> Any:
    if sharding is None:
        return value
    return jax.tree_util.tree_map(
        lambda leaf: jax.lax.with_sharding_constraint(leaf, sharding) if is_numeric(leaf) else leaf,
        value,
    )


def _is_one(spec: Any) -> bool:
    """Whether this is a sharding for a whole tree, and no tree of shardings."""
    containers = (tuple, list, dict)
    return isinstance(spec, PartitionSpec) or is_kinds(spec) or not isinstance(spec, containers)


def _is_leaf(value: Any) -> bool:
    return is_module(value) or is_hole(value)


def matched(where: str, spec: Any, tree: Any) -> list[tuple[Any, Any]]:
    """Return every array, module or hole of `tree` with its sharding.

    Raises:
        StructureError: `spec` is no prefix of `tree`.
    """
    if _is_one(spec):
        return [(leaf, spec) for leaf in jax.tree_util.tree_leaves(tree, is_leaf=_is_leaf)]
    if isinstance(spec, dict):
        if not isinstance(tree, dict):
            raise _mismatch(where, "one sharding", spec)
        if set(spec) != set(tree):
            raise _mismatch(where, f"a dict with the keys {', '.join(map(repr, tree))}", spec)
        flat, treedef = jax.tree_util.tree_flatten(spec, is_leaf=lambda part: part is not spec)
        keys = jax.tree_util.tree_unflatten(treedef, range(len(flat)))
        ordered = sorted(keys, key=keys.__getitem__)  # the order in which JAX flattens
        return [pair for key in ordered for pair in matched(where, spec[key], tree[key])]
    if not isinstance(tree, (tuple, list)) or len(spec) != len(tree):
        count = len(tree) if isinstance(tree, (tuple, list)) else 0
        raise _mismatch(where, f"a sequence of {count}" if count else "one sharding", spec)
    return [
        pair for part, child in zip(spec, tree, strict=True) for pair in matched(where, part, child)
    ]


def _mismatch(where: str, expected: str, spec: Any) -> StructureError:
    return StructureError(
        f"jit: {where}",
        expected=expected,
        received=f"{where}={spec!r}",
        fix=(
            "Give one sharding for everything, or a tuple with one for each argument that is not"
            " static; for a module a sharding or {kind: sharding}."
        ),
    )
