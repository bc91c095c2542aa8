"""Axes: which axis of which array a mapping transformation maps, or how it divides it.

In: what users write: a prefix tree of axes, as in JAX, in which a module takes one axis for all its
data (or None), or a dict from kinds to axes. Out: one axis for each array and each slot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from treexlite._core._kinds import Kind
from treexlite._core._paths import SlotInfo, leaf_paths, places
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.transforms._flat import is_data
from treexlite.transforms._pack import Packed, is_hole


def is_kinds(axes: Any) -> bool:
    """Whether `axes` is a dict from kinds (and `...` for the rest) to axes."""
    return isinstance(axes, Mapping) and bool(axes) and all(map(_is_key, axes))


def _is_key(key: Any) -> bool:
    return key is ... or (isinstance(key, type) and issubclass(key, (Kind, type(None))))


def is_axis(axes: Any) -> bool:
    """Whether `axes` stands for one array or one module: an axis, a spec, or a dict by kind."""
    return axes is None or isinstance(axes, (int, PartitionSpec)) or is_kinds(axes)


def is_unit(value: Any) -> bool:
    """Whether this is a module, or stands for one."""
    return is_hole(value) or is_module(value)


def spread(
    where: str, name: str, axes: Any, tree: Any, is_one: Callable[[Any], bool] = is_axis
) -> list[Any]:
    """Return the axis for each leaf of `tree`, in which a module (or its hole) is one leaf.

    Args:
        where: the name of the transformation, for errors.
        name: of the argument that was given.
        axes: an axis (or another thing that arrays have one of), or a tree of them.
        tree: the values they are for.
        is_one: whether something is one axis, and no tree of them.

    Raises:
        ArgumentError: `axes` is not a prefix of `tree`.
    """
    found: list[Any] = []

    def note(axis: Any, subtree: Any) -> None:
        count = len(jax.tree_util.tree_leaves(subtree, is_leaf=is_unit))
        found.extend([axis] * count)

    try:
        jax.tree_util.tree_map(note, axes, tree, is_leaf=is_one)
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be one value, or a tree like that of the values it is for",
            received=f"{name}={axes!r} ({str(error).splitlines()[0]})",
            fix="Give one for each argument; for a module also by kind: `{tx.Parameter: ...}`.",
        ) from None
    return found


def axis_of(entry: Any, kind: type) -> Any:
    """Return the axis for a field of `kind`: of the most specific kind that has one, else None."""
    if not is_kinds(entry):
        return entry
    for base in kind.__mro__:
        if base in entry:
            return entry[base]
    return entry.get(...)


class ArgumentAxes:
    """The axes of one call of a function that runs for many lanes.

    Args:
        where: the name of the transformation.
        packed: the call.
        axes: for each positional argument, without those that are known, or one for all.
        num_known: how many leading arguments belong to the function itself and are not mapped.
        known_names: the names of those by name that do.

    Attributes:
        roots: for each module in the arguments its axis or dict of axes.
        slots: for each slot its axis.
        arrays: for each plain array its axis.
        size: the size of the mapped axes; None when nothing is mapped.

    Raises:
        ArgumentError: the axes do not fit the arguments, or a shared module has two.
        ShapeError: an array lacks the axis, or two mapped axes have different sizes.
    """

    argument = "in_axes"
    by_name: Any = 0

    def __init__(
        self,
        where: str,
        packed: Packed,
        axes: Any,
        num_known: int,
        known_names: Collection[str] = (),
    ) -> None:
        self.where = where
        self.packed = packed
        entries = spread(
            where, self.argument, self._prefix(axes, num_known, known_names), packed.arguments
        )
        self.roots: list[Any] = [None] * len(packed.roots)
        self.arrays: list[Any] = []
        self._sizes: dict[int, str] = {}
        paths, _ = jax.tree_util.tree_flatten_with_path(packed.arguments, is_leaf=is_hole)
        for (keys, leaf), entry in zip(paths, entries, strict=True):
            if is_hole(leaf):
                self.roots[leaf.index] = entry
            elif is_data(leaf):
                by_name = keys[0].idx == 1
                axis = None if by_name and jnp.ndim(leaf) == 0 else entry
                place = repr(keys[1].key) if by_name else keys[1].idx - num_known
                name = f"argument {place}{jax.tree_util.keystr(keys[2:])}"
                self.arrays.append(self.checked(name, leaf, axis))
        self._check_sharing()
        self.slots = self._slot_axes()
        if len(self._sizes) > 1:
            (first, one), (second, other) = list(self._sizes.items())[:2]
            raise ShapeError(
                where,
                expected="all mapped axes to have one size",
                received=f"{first} for {one}, and {second} for {other}",
                fix="Map the axes that correspond, and give None for what all lanes share.",
            )
        self.size = next(iter(self._sizes), None)

    def _prefix(self, axes: Any, num_known: int, names: Collection[str]) -> Any:
        args, kwargs = self.packed.arguments
        count = len(args) - num_known
        if is_axis(axes):
            given: Sequence[Any] = (axes,) * count
        elif isinstance(axes, (tuple, list)) and len(axes) == count:
            given = tuple(axes)
        else:
            raise ArgumentError(
                self.where,
                expected=f"`{self.argument}` for one or for {count} positional arguments",
                received=f"{self.argument}={axes!r}",
                fix="Count without the `self` of a bound method, and without keyword arguments.",
            )
        by_name = {name: None if name in names else self.by_name for name in kwargs}
        return ((*(None,) * num_known, *given), by_name)

    def checked(self, name: str, leaf: Any, axis: Any) -> Any:
        """Return the axis of one array, if the array has it."""
        if axis is None:
            return None
        shape = jnp.shape(leaf)
        if not isinstance(axis, int):
            raise ArgumentError(
                self.where,
                expected="an int or None for what is not a module (axes by kind are for modules)",
                received=f"in_axes={axis!r} for {name}, {describe(leaf)}",
                fix="Give one axis for each argument: `in_axes=(None, 0)`.",
            )
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(
                self.where,
                expected=f"an axis {axis} to map over",
                received=f"{name} of shape {shape}",
                fix=(
                    "Give None for what all lanes share: `in_axes=(None, 0)`, or by kind:"
                    " `{tx.Parameter: 0, ...: None}`. `tx.stack` gives modules a leading axis."
                ),
            )
        self._sizes.setdefault(shape[axis], name)
        return axis

    def slot_root(self, unit: int, slot: SlotInfo) -> int:
        """Return the number of the argument module below which a slot stands."""
        joint = len(self.packed.walks) != len(self.packed.roots)
        return int(slot.path.split("/")[0]) if joint else unit

    def _slot_axes(self) -> list[Any]:
        axes = []
        for unit, found in enumerate(self.packed.walks):
            for slot, value in zip(places(found.spec).slots, found.values(), strict=True):
                axis = axis_of(self.roots[self.slot_root(unit, slot)], slot.kind)
                for path, leaf in leaf_paths(slot.path, value):
                    self.checked(f"field `{path}`", leaf, axis)
                axes.append(axis)
        return axes

    def _check_sharing(self) -> None:
        if len(self.packed.walks) == len(self.packed.roots):
            return
        owner: dict[int, int] = {}
        for number, root in enumerate(self.packed.roots):
            for module in Packed(((), {}), [root]).modules():
                first = owner.setdefault(id(module), number)
                if self.roots[first] != self.roots[number]:
                    raise ArgumentError(
                        self.where,
                        expected="one choice of axes for a module that several arguments share",
                        received=f"{self.roots[first]!r} and {self.roots[number]!r}"
                        f" for one {type(module).__name__}",
                        fix="Pass a copy (`module.copy()`) where the other axes are meant.",
                    )
