"""`tx.cond` and `tx.switch`: choose between functions that may write to different fields.

Each branch is traced once, on modules of its own. What any branch writes comes out of every branch:
where a branch leaves a field alone, the field's old data. The branches must agree in the structure
that they leave behind, because one compiled program serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.extend import core

from treexlite._context import current_init
from treexlite._core._paths import SlotInfo, leaf_paths, places
from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.transforms._callable import unwrap
from treexlite.transforms._flat import Flat
from treexlite.transforms._lift import Effect, commit
from treexlite.transforms._pack import Packed, pack
from treexlite.transforms._structure_change import changed_structure
from treexlite.transforms._types import described_type, differ


class Branch:
    """One branch, traced.

    Attributes:
        program: the traced program, a function of flat arrays.
        treedef: the structure of what the program returns.
        effect: what it does to the modules.
        output: what it returns, in shapes.
        values: what it writes, in shapes.
    """

    def __init__(self, flat: Flat, arguments: Any) -> None:
        closed, shapes = jax.make_jaxpr(flat, return_shape=True)(*arguments)
        self.program: Callable[..., Any] = core.jaxpr_as_fun(closed)
        self.treedef = jax.tree_util.tree_structure(shapes)
        (self.output, self.values), node = shapes
        self.effect: Effect = node.value

    def run(self, arguments: Any) -> Any:
        """Return `(output, values)`."""
        flat = self.program(*jax.tree_util.tree_leaves(arguments))
        (output, values), _ = jax.tree_util.tree_unflatten(self.treedef, flat)
        return output, values


class Branches:
    """All branches of one choice.

    Args:
        where: the name of the transformation.
        functions: the branches as the user gave them.
        operands: what they are called with.
        names: of the branches, for errors.
    """

    def __init__(
        self,
        where: str,
        functions: Sequence[Any],
        operands: tuple[Any, ...],
        names: Sequence[str],
    ) -> None:
        self.where, self.names = where, names
        taken = [unwrap(where, function) for function in functions]
        if current_init() is not None:
            for function, args, kwargs in taken:
                function(*args, *operands, **kwargs)  # creates what is missing
        known = [(args, kwargs) for _, args, kwargs in taken]
        self.packed: Packed = pack((known, operands), {})
        flats = [
            Flat(_Chosen(number, function), self.packed)
            for number, (function, _, _) in enumerate(taken)
        ]
        self.arguments = (self.packed.leaves, flats[0].arrays(self.packed))
        self.branches = [Branch(flat, self.arguments) for flat in flats]
        self.effect = self._joined()
        self._check_results()

    def _joined(self) -> Effect:
        """Return the effect that all branches together have.

        Raises:
            StructureError: they leave different structures behind.
        """
        effects = [branch.effect for branch in self.branches]
        first = effects[0]
        consumed = tuple(sorted({n for effect in effects for n in effect.consumed}))
        if all(effect.spec is None for effect in effects):
            joined = Effect(consumed)
            joined.written = _by_unit(self.packed, consumed)
            return joined
        for number, effect in enumerate(effects):
            same = effect.spec is first.spec and effect.treedef == first.treedef
            if not same or effect.origin != first.origin:
                raise changed_structure(
                    self.where,
                    f"{self.names[number]}, like {self.names[0]},",
                    first.after,
                    effect.after,
                )
        joined = Effect(consumed)
        joined.spec, joined.origin, joined.treedef = first.spec, first.origin, first.treedef
        joined.attached = first.attached
        columns = zip(*(effect.sources for effect in effects), strict=True)
        joined.sources = tuple(
            sources[0] if len(set(sources)) == 1 else None for sources in columns
        )
        return joined

    def run(self, number: int, arguments: Any) -> Any:
        """Run one branch; return `(output, values)` of the joined effect."""
        return self._complete(self.branches[number].effect, *self.branches[number].run(arguments))

    def _complete(self, effect: Effect, output: Any, values: Any) -> Any:
        """Add to what one branch writes the old data of what only other branches write."""
        leaves = self.packed.leaves
        if self.effect.spec is None:
            written = dict(zip(effect.consumed, values, strict=True))
            return output, [written.get(n, leaves[n]) for n in self.effect.consumed]
        remaining = iter(values)
        data = [next(remaining) if n is None else leaves[n] for n in effect.sources]
        pairs = zip(data, self.effect.sources, strict=True)
        return output, [value for value, source in pairs if source is None]

    def commit(self, payload: Any) -> Any:
        """Write what the chosen branch wrote, and return what it returned."""
        return commit(self.packed, payload, self.effect)

    def _check_results(self) -> None:
        """Raise when the branches differ in what they return or write, naming the place.

        Raises:
            StructureError: they return different trees.
            ShapeError: an array has another shape or dtype.
        """
        results = [self._complete(b.effect, b.output, b.values) for b in self.branches]
        first = dict(self._named(*results[0]))
        for number, result in enumerate(results):
            here = dict(self._named(*result))
            if list(here) != list(first):
                raise self._different_trees(number, results[0], result)
            for name, value in here.items():
                if differ(first[name], value):
                    raise ShapeError(
                        self.where,
                        expected=f"{name} to have one shape and dtype after every branch",
                        received=f"{described_type(first[name])} after {self.names[0]},"
                        f" {described_type(value)} after {self.names[number]}",
                        fix="Convert in the branch: `.astype(...)`, `jnp.broadcast_to(...)`.",
                    )

    def _different_trees(self, number: int, first: Any, other: Any) -> StructureError:
        expected = "all branches to return the same tree"
        trees = [_shown(first[0]), _shown(other[0])]
        if trees[0] == trees[1]:
            for slot, *values in zip(self._written_slots(), first[1], other[1], strict=True):
                trees = list(map(_shown, values))
                if trees[0] != trees[1]:
                    expected = f"field `{slot.path}` to have one structure after every branch"
                    break
        return StructureError(
            self.where,
            expected=expected,
            received=f"{trees[0]} from {self.names[0]}, {trees[1]} from {self.names[number]}",
            fix="Give it the same structure in each branch.",
        )

    def _written_slots(self) -> list[SlotInfo]:
        effect = self.effect
        if effect.spec is None:
            slots = [slot for spec in self.packed.specs for slot in places(spec).slots]
            return [slots[n] for n in effect.consumed]
        pairs = zip(places(effect.spec).slots, effect.sources, strict=True)
        return [slot for slot, source in pairs if source is None]

    def _named(self, output: Any, values: Any) -> Iterator[tuple[str, Any]]:
        for keys, leaf in jax.tree_util.tree_flatten_with_path(output)[0]:
            yield f"the output{jax.tree_util.keystr(keys)}", leaf
        for slot, value in zip(self._written_slots(), values, strict=True):
            for path, leaf in leaf_paths(slot.path, value):
                yield f"field `{path}`", leaf


class _Chosen:
    """Branch `number`, as a function of the known arguments of all branches and the operands."""

    def __init__(self, number: int, function: Callable[..., Any]) -> None:
        self.number, self.function = number, function

    def __call__(self, known: Any, operands: tuple[Any, ...]) -> Any:
        args, kwargs = known[self.number]
        return self.function(*args, *operands, **kwargs)


def _by_unit(packed: Packed, slots: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    written = []
    start = 0
    for spec in packed.specs:
        stop = start + spec.num_slots
        written.append(tuple(n - start for n in slots if start <= n < stop))
        start = stop
    return tuple(written)


def _shown(output: Any) -> str:
    return str(jax.tree_util.tree_structure(output)).removeprefix("PyTreeDef(").removesuffix(")")


def cond(pred: Any, true_fun: Any, false_fun: Any, *operands: Any) -> Any:
    """Return `true_fun(*operands)` if `pred` holds, else `false_fun(*operands)`.

    Args:
        pred: one boolean, concrete or traced.
        true_fun: a function, a bound method or a module. It may write to modules among the operands
            and to its own `self`.
        false_fun: the same; it may write to other fields than `true_fun`.
        operands: arrays and modules, in any tree.

    Returns:
        What the chosen function returns. Only what it wrote is written.

    Raises:
        StructureError: the functions return different trees, or only one changes a plain attribute.
        ShapeError: they return or write arrays of different shape or dtype.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> class Counter(tx.Module):
        ...     hits: jax.Array = tx.State.node(default=0)
        ...     misses: jax.Array = tx.State.node(default=0)
        ...
        ...     def hit(self):
        ...         self.hits += 1
        ...
        ...     def miss(self):
        ...         self.misses += 1
        >>> counter = Counter()
        >>> for x in (1, -1, 2):
        ...     tx.cond(jnp.array(x) > 0, counter.hit, counter.miss)
        >>> int(counter.hits), int(counter.misses)
        (2, 1)

    Reference:
        `jax.lax.cond`.
    """
    branches = Branches("cond", (false_fun, true_fun), operands, ("false_fun", "true_fun"))
    payload = jax.lax.cond(
        pred,
        lambda arguments: branches.run(1, arguments),
        lambda arguments: branches.run(0, arguments),
        branches.arguments,
    )
    return branches.commit(payload)


def switch(index: Any, branches: Sequence[Any], *operands: Any) -> Any:
    """Return `branches[index](*operands)`; `index` is clamped to the branches that there are.

    Args:
        index: one integer, concrete or traced.
        branches: functions, bound methods or modules; see `cond`.
        operands: arrays and modules, in any tree.

    Returns:
        What the chosen branch returns. Only what it wrote is written.

    Raises:
        ArgumentError: there is no branch.
        StructureError: the branches return different trees, or only some change a plain attribute.
        ShapeError: they return or write arrays of different shape or dtype.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.switch(1, [jnp.sin, jnp.square, jnp.exp], 3.0).item()
        9.0

    Reference:
        `jax.lax.switch`.
    """
    if not branches:
        raise ArgumentError(
            "switch",
            expected="at least one branch",
            received="none",
            fix="Pass a list of functions.",
        )
    names = [f"branch {number}" for number in range(len(branches))]
    chosen = Branches("switch", branches, operands, names)
    numbers = range(len(chosen.branches))
    payload = jax.lax.switch(
        index,
        [lambda arguments, n=n: chosen.run(n, arguments) for n in numbers],
        chosen.arguments,
    )
    return chosen.commit(payload)
