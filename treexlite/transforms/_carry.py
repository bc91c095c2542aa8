"""What a loop hands from one step to the next.

In: the carry of a loop, with modules anywhere in it, and the known arguments of its functions (the
`self` of a bound method), which are carried too. Out: for each step the modules and arrays as the
step before left them; at the end the user's own modules, written once.

A step must leave the structure as it found it: a compiled loop has one program for all steps. It
may put another module of the same structure in the carry; then the loop returns a new module.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax

from treexlite._core._paths import leaf_paths, places
from treexlite._errors import ArgumentError, ShapeError, StructureError, describe
from treexlite.transforms._flat import is_data
from treexlite.transforms._lift import Effect, Inside, commit, filled
from treexlite.transforms._pack import Packed, pack
from treexlite.transforms._structure_change import changed_structure
from treexlite.transforms._types import described_type, differ, widens


class Step(NamedTuple):
    """One step inside the trace.

    Attributes:
        inside: the modules that were built for it.
        known: the known arguments of the loop's functions.
        carry: the carry as the user's function takes it.
        arrays: the plain arrays in it.
    """

    inside: Inside
    known: Any
    carry: Any
    arrays: Any

    def untouched(self) -> bool:
        """Whether the modules are as they were built."""
        effect = self.inside.close(None)[1].value
        return effect.spec is None and not effect.consumed


class Carry:
    """The carry of one loop.

    Args:
        where: the name of the loop.
        known: the known arguments of its functions, as a tree.
        carry: the initial carry.

    Attributes:
        start: the data to begin with: `([leaf, ...], [array, ...])`.

    Raises:
        ArgumentError: the carry has something in it that is no data.
    """

    def __init__(self, where: str, known: Any, carry: Any) -> None:
        self.where = where
        self.packed: Packed = pack((known, carry), {})
        (self.known, plain), _ = self.packed.arguments
        self.treedef: Any
        arrays, self.treedef = jax.tree_util.tree_flatten(plain)
        for array in arrays:
            if not is_data(array):
                raise ArgumentError(
                    where,
                    expected="arrays, numbers and modules in the carry",
                    received=describe(array),
                    fix="Let the function close over what is no data.",
                )
        self.start = (self.packed.leaves, arrays)
        self.changed: set[int] = set()
        self.replaced: set[int] = set()
        self.mismatch: ShapeError | None = None

    def enter(self, state: Any) -> Step:
        """Build the modules of one step around traced data."""
        leaves, arrays = state
        inside = Inside(self.packed.key, leaves)
        carry = jax.tree_util.tree_unflatten(self.treedef, arrays)
        (known, carry), _ = inside.fill(((self.known, carry), {}))
        return Step(inside, known, carry, arrays)

    def leave(self, step: Step, carry: Any) -> Any:
        """Return the data after a step.

        Raises:
            StructureError: the step changed the structure of the carry or of a module in it.
        """
        after = pack((step.known, carry), {})
        (_, plain), _ = after.arguments
        arrays, treedef = jax.tree_util.tree_flatten(plain)
        if treedef != self.treedef or len(after.roots) != len(self.packed.roots):
            raise StructureError(
                self.where,
                expected="the function to return a carry like the one it was given",
                received=f"{_shown(treedef)} for {_shown(self.treedef)}",
                fix="Return the carry in the same tree, with modules in the same places.",
            )
        if after.key != self.packed.key:
            raise changed_structure(self.where, "a step", self.packed.specs, after.specs)
        inside = step.inside
        self._check_trees(inside.leaves, after.leaves)
        self.changed |= {n for n, value in enumerate(after.leaves) if not inside.is_old(n, value)}
        self._note_replaced(step, after)
        state = (after.leaves, arrays)
        self._note_mismatch((inside.leaves, step.arrays), state)
        return state

    def _check_trees(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        """Raise when a field holds another tree than before, or None instead of an array."""
        slots = [slot for spec in self.packed.specs for slot in places(spec).slots]
        for slot, *values in zip(slots, before, after, strict=True):
            old: Any = jax.tree_util.tree_structure(values[0])
            new: Any = jax.tree_util.tree_structure(values[1])
            if old != new:
                raise StructureError(
                    self.where,
                    expected=f"field `{slot.path}` to keep its structure, {_shown(old)}",
                    received=f"{_shown(new)} after one step",
                    fix="Put into the field, before the loop, what a step leaves there.",
                )

    def _note_replaced(self, step: Step, after: Packed) -> None:
        pairs = zip(after.roots, step.inside.roots, strict=True)
        replaced = {number for number, (new, old) in enumerate(pairs) if new is not old}
        if replaced and not step.untouched():
            raise StructureError(
                self.where,
                expected="a module in the carry to be changed in place, or to be replaced",
                received="both: "
                f"{self._type_of(min(replaced))} was written to, and another returned",
                fix="Return the module that you wrote to, or write to a copy and return that.",
            )
        self.replaced |= replaced

    def _type_of(self, root: int) -> str:
        return f"a {type(self.packed.roots[root]).__name__}"

    def _note_mismatch(self, old: Any, new: Any) -> None:
        """Remember the first array that changes shape or dtype; JAX will refuse it."""
        slots = [slot for spec in self.packed.specs for slot in places(spec).slots]
        before = dict(_named(slots, old[0], self.treedef, old[1]))
        after = dict(_named(slots, new[0], self.treedef, new[1]))
        for name, value in before.items():
            if self.mismatch is not None or name not in after or widens(value, after[name]):
                continue
            if differ(value, after[name]):
                self.mismatch = ShapeError(
                    self.where,
                    expected=f"{name} to keep its shape and dtype, {described_type(value)}",
                    received=f"{described_type(after[name])} after one step",
                    fix="Start with what the step returns, or convert in the step: `.astype(...)`.",
                )

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Around the loop: turn JAX's refusal of a carry into an error that names the array."""
        try:
            yield
        except TypeError:
            if self.mismatch is not None:
                raise self.mismatch from None
            raise

    def finish(self, state: Any) -> Any:
        """Write the final data into the user's modules, and return the final carry."""
        leaves, arrays = state
        packed = self.packed
        slots = [(u, slot) for u, spec in enumerate(packed.specs) for slot in places(spec).slots]
        kept = [n for n in sorted(self.changed) if self._root(*slots[n]) not in self.replaced]
        effect = Effect(tuple(kept))
        starts = _starts(packed)
        effect.written = tuple(
            tuple(n - start for n in kept if start <= n < stop)
            for start, stop in itertools.pairwise(starts)
        )
        commit(packed, (None, [leaves[n] for n in kept]), effect)
        roots = list(packed.roots)
        for number in self.replaced:
            roots[number] = self._built(number, leaves, starts)
        carry = jax.tree_util.tree_unflatten(self.treedef, arrays)
        return filled(carry, roots)

    def _root(self, unit: int, slot: Any) -> int:
        joint = len(self.packed.specs) != len(self.packed.roots)
        return int(slot.path.split("/")[0]) if joint else unit

    def _built(self, number: int, leaves: Sequence[Any], starts: list[int]) -> Any:
        packed = self.packed
        if len(packed.specs) != len(packed.roots):
            return packed.specs[0].build(leaves).root[number]
        part = leaves[starts[number] : starts[number + 1]]
        return packed.specs[number].build(part).root


def _starts(packed: Packed) -> list[int]:
    starts = [0]
    for spec in packed.specs:
        starts.append(starts[-1] + spec.num_slots)
    return starts


def _named(
    slots: Sequence[Any], leaves: Sequence[Any], treedef: Any, arrays: Sequence[Any]
) -> Iterator[tuple[str, Any]]:
    """Yield `(name, array)` for the fields, and for the plain arrays of the carry."""
    for slot, value in zip(slots, leaves, strict=True):
        for path, leaf in leaf_paths(slot.path, value):
            yield f"field `{path}`", leaf
    carry = jax.tree_util.tree_unflatten(treedef, arrays)
    for keys, leaf in jax.tree_util.tree_flatten_with_path(carry)[0]:
        yield f"the carry{jax.tree_util.keystr(keys)}", leaf


def _shown(treedef: Any) -> str:
    return str(treedef).removeprefix("PyTreeDef(").removesuffix(")").replace("CustomNode(", "(")
