"""The leaves that are differentiated, and how values for them become modules again.

In: the modules of some arguments, and which of their leaves were chosen. Out: for values of the
chosen leaves (gradients, tangents, Jacobians) a module of each argument's type, with `Nothing`
where nothing was chosen. Only structure is kept here, no data.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import jax

from treexlite._core._choices import slot_infos
from treexlite._core._graph import Spec, Walk, walk
from treexlite._core._nothing import Nothing
from treexlite._core._paths import FieldInfo, join, places, slot_numbers
from treexlite._core._registry import is_numeric
from treexlite.transforms._pack import Packed, is_hole


class Argument:
    """One argument whose leaves may be differentiated.

    Args:
        packed: the call.
        position: the position of the argument.

    Attributes:
        roots: the numbers of the modules in the argument.
        leaves: for each leaf of these modules its number among all leaves of the call.
        chosen: for each of them whether it is differentiated.
    """

    def __init__(self, packed: Packed, position: int) -> None:
        argument = packed.arguments[0][position]
        holes = jax.tree_util.tree_leaves(argument, is_leaf=is_hole)
        self.roots = [leaf.index for leaf in holes if is_hole(leaf)]
        walks = [walk(packed.roots[root]) for root in self.roots]
        self.specs: list[Spec] = [found.spec for found in walks]
        self.trees = [[_structure(value) for value in found.values()] for found in walks]
        self.leaves = _leaf_numbers(packed, self.roots, walks)
        self.chosen = [False] * len(self.leaves)

    def infos(self, packed: Packed) -> list[FieldInfo]:
        """Return one `FieldInfo` for each leaf of the argument's modules."""
        return [
            info
            for root in self.roots
            for slot in slot_infos(packed.roots[root], walk(packed.roots[root]))
            for info in slot
        ]

    def choose_numbers(self, numbers: Container[int]) -> None:
        """Choose the leaves with these numbers."""
        self.chosen = [n in numbers for n in self.leaves]

    def assemble(self, argument: Any, by_number: dict[int, Any]) -> Any:
        """Put values for the chosen leaves, and for plain data, into the argument's tree.

        Args:
            argument: the values for the plain arrays, with holes where modules were.
            by_number: for each chosen leaf its value.
        """
        remaining = iter(zip(self.leaves, self.chosen, strict=True))
        modules = {}
        for root, spec, trees in zip(self.roots, self.specs, self.trees, strict=True):
            values = []
            for treedef in trees:
                taken = [next(remaining) for _ in range(treedef.num_leaves)]
                leaves = [by_number[n] if keep else Nothing for n, keep in taken]
                values.append(jax.tree_util.tree_unflatten(treedef, leaves))
            modules[root] = spec.build(values).root
        return jax.tree_util.tree_map(
            lambda leaf: modules[leaf.index] if is_hole(leaf) else leaf, argument, is_leaf=is_hole
        )


class Chosen:
    """What is differentiated in a call.

    Attributes:
        arguments: the differentiated arguments.
        numbers: the chosen leaves of the call, in order.
        plain: for each argument its plain data, as a structure with holes.
        single: whether the user asked for one argument, not for a tuple of them.
    """

    def __init__(self, arguments: Sequence[Argument], plain: Sequence[Any], single: bool) -> None:
        self.arguments = arguments
        self.numbers = sorted(
            {
                number
                for argument in arguments
                for number, keep in zip(argument.leaves, argument.chosen, strict=True)
                if keep
            }
        )
        self.plain: list[Any] = [jax.tree_util.tree_structure(argument) for argument in plain]
        self.single = single

    def assemble(self, leaves: Sequence[Any], plain: Sequence[Any]) -> Any:
        """Return one tree for each argument (or the only one) around values.

        Args:
            leaves: a value for each of `numbers`.
            plain: for each argument the values for its plain data.
        """
        by_number = dict(zip(self.numbers, leaves, strict=True))
        results = tuple(
            argument.assemble(values, by_number)
            for argument, values in zip(self.arguments, plain, strict=True)
        )
        return results[0] if self.single else results

    def assemble_twice(self, leaves: Sequence[Any], plain: Sequence[Any]) -> Any:
        """The same for values that are themselves pairs of `(leaves, plain)`."""
        trees = []
        for structure, values in zip(self.plain, plain, strict=True):
            inner = [self.assemble(*pair) for pair in structure.flatten_up_to(values)]
            trees.append(jax.tree_util.tree_unflatten(structure, inner))
        return self.assemble([self.assemble(*pair) for pair in leaves], trees)


def _structure(value: Any) -> Any:
    return jax.tree_util.tree_structure(0 if is_numeric(value) else value)


def _leaf_numbers(packed: Packed, roots: list[int], walks: list[Walk]) -> list[int]:
    starts: list[int] = []
    count = 0
    for leaf in packed.leaves:
        starts.append(count)
        count += _structure(leaf).num_leaves
    return [
        starts[slot] + offset
        for root, found in zip(roots, walks, strict=True)
        for slot, value in zip(_slots(packed, root, found), found.values(), strict=True)
        for offset in range(_structure(value).num_leaves)
    ]


def _slots(packed: Packed, root: int, found: Walk) -> list[int]:
    """Return the number of each slot of one root among all slots of the call."""
    if len(packed.walks) == len(packed.roots):
        start = sum(spec.num_slots for spec in packed.specs[:root])
        return list(range(start, start + found.spec.num_slots))
    joint = slot_numbers(packed.specs[0])  # the roots share modules: one walk over all of them
    return [joint[join(str(root), slot.path)] for slot in places(found.spec).slots]
