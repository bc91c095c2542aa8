"""What comes out of a mapped function, sorted by axis.

A mapping transformation must be told the axis of each output before the function has run, but what
the function changes is known only afterwards. So the outputs are sorted into one group for each
axis that can occur, and a group for what is equal in all lanes; `Sorted` says how to put them
together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Any, TypeAlias

import jax

from treexlite._core._paths import SlotInfo, join, places, slot_numbers
from treexlite.transforms._aside import Aside
from treexlite.transforms._axes import ArgumentAxes, axis_of, is_axis, is_kinds, spread
from treexlite.transforms._lift import Effect
from treexlite.transforms._pack import Packed

Groups: TypeAlias = tuple[list[Any], ...]
"""One list of arrays for each axis."""


class Value:
    """One tree of data that leaves a mapped function.

    Attributes:
        name: what it is, for errors.
        axes: the axis of each of its leaves, or one for all; None where all lanes are equal.
        kind: of the field, or None for an output.
        slot: the slot of the call that it is written to, if it is a key that each lane has.
        treedef: its structure.
    """

    __slots__ = ("axes", "kind", "name", "slot", "treedef")

    def __init__(
        self, name: str, axes: Any, kind: type | None = None, slot: int | None = None
    ) -> None:
        self.name, self.axes, self.kind, self.slot = name, axes, kind, slot
        self.treedef: Any = None

    def leaves(self, data: Any) -> list[tuple[int | None, Any]]:
        """Take the value apart into leaves with their axes."""
        leaves, self.treedef = jax.tree_util.tree_flatten(data)
        axes = self.axes if isinstance(self.axes, list) else [self.axes] * len(leaves)
        self.axes = axes
        return list(zip(axes, leaves, strict=True))


class Sorted:
    """How the values of one trace were sorted.

    Attributes:
        axes: the axis of each group.
        effect: what the function did to the modules.
        values: what leaves the function, in order.
        treedef: the structure of the output, when it has no modules in it.
    """

    def __init__(self, axes: list[Any], effect: Effect, values: list[Value], treedef: Any) -> None:
        self.axes, self.effect, self.values, self.treedef = axes, effect, values, treedef

    def payload(self, groups: Groups, advanced: dict[int, Any]) -> Any:
        """Put the values together again, as `commit` takes them."""
        remaining = {axis: iter(group) for axis, group in zip(self.axes, groups, strict=True)}
        data = [
            advanced[value.slot]
            if value.slot is not None
            else jax.tree_util.tree_unflatten(
                value.treedef, [next(remaining[axis]) for axis in value.axes]
            )
            for value in self.values
        ]
        if self.treedef is None:
            return None, data
        count = self.treedef.num_leaves
        return jax.tree_util.tree_unflatten(self.treedef, data[:count]), data[count:]


class Sorter:
    """Sorts what one call of a mapped function gives.

    Args:
        where: the name of the transformation.
        packed: the call; only its structure is kept.
        axes: the axes of its arguments.
        out_axes: those of its output, as the user gave them.
        keyed: the slots that hold a key for each lane.
    """

    def __init__(
        self, where: str, packed: Packed, axes: ArgumentAxes, out_axes: Any, keyed: Sequence[int]
    ) -> None:
        self.where, self.out_axes, self.keyed = where, out_axes, set(keyed)
        self.argument = axes.argument.replace("in_", "out_")
        self.slots, self.roots = axes.slots, axes.roots
        self.joint = len(packed.specs) != len(packed.roots)
        self.places = [places(spec) for spec in packed.specs]
        self.numbers = [slot_numbers(spec) for spec in packed.specs]
        self.modules = [(u, path) for u, where in enumerate(self.places) for path in where.modules]
        starts = [0]
        for spec in packed.specs:
            starts.append(starts[-1] + spec.num_slots)
        self.starts = starts
        used = [*axes.slots, *axes.arrays, *axes.roots, out_axes]
        self.axes: list[Any] = [*dict.fromkeys(_used(used)), None]

    def sort(self, payload: Any, node: Aside) -> tuple[Groups, Sorted]:
        """Sort what `Inside.close` returned."""
        output, changed = payload
        effect = node.value
        leaves, treedef = jax.tree_util.tree_flatten(output)
        if effect.spec is None:
            values = self._outputs(output) + self._written(effect)
        else:
            treedef, values = None, self._restructured(effect)
        groups: dict[Any, list[Any]] = {axis: [] for axis in self.axes}
        for value, data in zip(values, [*leaves, *changed], strict=True):
            if value.slot is None:
                for axis, leaf in value.leaves(data):
                    groups[axis].append(leaf)
        return tuple(groups.values()), Sorted(self.axes, effect, values, treedef)

    def _outputs(self, output: Any) -> list[Value]:
        paths, _ = jax.tree_util.tree_flatten_with_path(output)
        axes = spread(self.where, self.argument, self.out_axes, output)
        return [
            Value(f"the output{jax.tree_util.keystr(keys)}", axis_of(axis, NoneType))
            for (keys, _), axis in zip(paths, axes, strict=True)
        ]

    def _written(self, effect: Effect) -> list[Value]:
        infos = [slot for where in self.places for slot in where.slots]
        return [self._slot(number, infos[number]) for number in effect.consumed]

    def _slot(self, number: int, info: SlotInfo) -> Value:
        name = f"field `{info.path}` ({_kind_name(info.kind)})"
        slot = number if number in self.keyed else None
        return Value(name, self.slots[number], info.kind, slot)

    def _restructured(self, effect: Effect) -> list[Value]:
        """Return the values of a call that changed structure, or returned modules."""
        assert effect.spec is not None
        holes = jax.tree_util.tree_unflatten(effect.treedef, [_OUTPUT] * effect.treedef.num_leaves)
        out_axes = spread(self.where, self.argument, self.out_axes, holes)
        where = places(effect.spec)
        values = []
        for slot, source in zip(where.slots, effect.sources, strict=True):
            if source is not None:
                continue
            known = self._known(effect, slot, where.modules)
            part, _, below = slot.path.partition("/")
            if known is not None:
                values.append(known)
            elif slot.path == "1":  # no module among the outputs: all of them are one slot
                values.append(Value("the output", [axis_of(axis, NoneType) for axis in out_axes]))
            elif part == "1":
                axis = axis_of(out_axes[int(below.split("/")[0])], slot.kind)
                values.append(Value(f"the output `{below}`", axis))
            else:
                entry = self.roots[self._root(slot)] if part == "0" else None
                path = below.split("/", 2 if self.joint else 1)[-1]
                name = f"the new field `{path}` ({_kind_name(slot.kind)})"
                values.append(Value(name, axis_of(entry, slot.kind), slot.kind))
        return values

    def _root(self, slot: SlotInfo) -> int:
        parts = slot.path.split("/")
        return int(parts[2] if self.joint else parts[1])

    def _known(self, effect: Effect, slot: SlotInfo, modules: Sequence[str]) -> Value | None:
        """Return the value of a slot that was there before, in a module that was."""
        old = effect.origin.modules[slot.module] if slot.module >= 0 else None
        if old is None:
            return None
        unit, path = self.modules[old]
        rest = slot.path[len(modules[slot.module]) :].strip("/")
        number = self.numbers[unit].get(join(path, rest))
        if number is None:
            return None
        info = self.places[unit].slots[number]
        return self._slot(number + self.starts[unit], info)


_OUTPUT = object()


def _kind_name(kind: type) -> str:
    return "no kind" if kind is NoneType else kind.__name__


def _used(axes: Any) -> Iterator[Any]:
    """Yield every axis in a tree of axes."""
    for leaf in jax.tree_util.tree_leaves(axes, is_leaf=is_axis):
        if is_kinds(leaf):
            yield from _used(list(leaf.values()))
        elif leaf is not None:
            yield leaf
