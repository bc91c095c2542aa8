"""The lifting core: the only place where a module's state crosses a JAX boundary.

In:  a call `f(*args, **kwargs)` with modules anywhere in the arguments. `pack` takes the modules
     apart into specs (hashable structure) and leaves (arrays), and leaves a `Hole` where each
     module stood.
Inside the transformation: `Inside` builds fresh modules around the traced leaves. The user's
     objects are not touched while JAX traces, so a trace that fails changes nothing.
Out: `Inside.close` compares what the function left behind with what it was given, and returns the
     changed leaves together with an `Effect`, which says in terms of structure alone where they
     belong. `commit` then writes them into the user's own objects.

In the common case (same objects, same structure) a call costs one comparison of version numbers,
one gather and one scatter. Whatever is uncertain takes the full walk, which is slower and always
right.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from treexlite._core._containers import items_of
from treexlite._core._graph import Spec, Walk, modules_of, walk
from treexlite._core._guard import check_owned
from treexlite._core._identity import Copies, Origin
from treexlite._core._layout import layout_of, note_watched
from treexlite._core._lost import close_all, note_write
from treexlite._core._paths import places
from treexlite._core._registry import (
    CONCRETE_ARRAY_TYPES,
    is_module,
    is_numeric,
)
from treexlite._core._write_back import write_back
from treexlite._errors import StructureError
from treexlite.transforms._aside import Aside
from treexlite.transforms._pack import Packed, has_module, is_hole, remember


class Effect:
    """What a function did to the modules, apart from the arrays: pure structure.

    It comes out of a trace as an `Aside`. Two traces of one function have equal effects, which JAX
    asks for here and there (the rules of a custom derivative return what the function returns).

    Attributes:
        after: the structure of each unit afterwards.
        written: for each unit the slots that changed, when the structure did not change.
        consumed: the slots (over all units) whose old data is not needed any more.
        spec: the structure of `(units, outputs, detached modules)` afterwards, when it did change,
            else None.
        sources: for each slot of `spec` the old slot whose data it has, or None for new data.
        origin: which objects of `spec` were there before.
        attached: how many modules are below the units; outputs and detached ones come after.
        treedef: how the outputs are put together again.
    """

    __slots__ = (
        "after",
        "attached",
        "consumed",
        "origin",
        "sources",
        "spec",
        "treedef",
        "written",
    )

    def __init__(self, consumed: tuple[int, ...]) -> None:
        self.consumed = consumed
        self.after: tuple[Spec, ...] = ()
        self.written: tuple[tuple[int, ...], ...] = ()
        self.spec: Spec | None = None
        self.sources: tuple[int | None, ...] = ()
        self.origin = Origin((), (), {})
        self.attached = 0
        self.treedef: Any = None

    def __eq__(self, other: object) -> bool:
        return type(other) is Effect and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.consumed, self.written, id(self.spec)))

    def _content(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in Effect.__slots__)


class Inside:
    """The modules inside one trace: fresh copies around traced leaves.

    Args:
        key: `Packed.key` of the call.
        leaves: the (traced) data of all units.
    """

    def __init__(self, key: Any, leaves: Sequence[Any]) -> None:
        specs, num_roots = key
        self.leaves = [leaf if is_numeric(leaf) else _rebuilt(leaf) for leaf in leaves]
        self.trees: dict[int, tuple[list[Any], Any]] = {
            number: jax.tree_util.tree_flatten(leaf)
            for number, leaf in enumerate(self.leaves)
            if not is_numeric(leaf)
        }
        self.specs: tuple[Spec, ...] = specs
        self.units: list[Any] = []
        self.modules: list[Any] = []
        self.containers: list[Any] = []
        self.containers_in: list[tuple[Any, Any]] = []
        values = iter(self.leaves)
        for spec in specs:
            unit, modules, containers = spec.build(values)
            self.units.append(unit)
            self.modules += modules
            self.containers += containers
        self.copies = Copies(self.modules, self.containers)
        joint = len(specs) != num_roots
        self.roots = list(self.units[0]) if joint else self.units

    def fill(self, arguments: Any) -> Any:
        """Return `(args, kwargs)` with the copies where the holes were."""
        complete = filled(arguments, self.roots)
        mutable = [arg for arg in (*complete[0], *complete[1].values()) if not is_module(arg)]
        self.containers_in = [(arg, _contents(arg)) for arg in mutable if has_module(arg)]
        return complete

    def _check_arguments(self) -> None:
        """Raise when the function changed a container of modules that was an argument itself."""
        for argument, before in self.containers_in:
            after = _contents(argument)
            same_leaves = all(map(operator.is_, after[0], before[0]))
            if len(after[0]) != len(before[0]) or not same_leaves or after[1] != before[1]:
                raise StructureError(
                    "transformation",
                    expected="a container of modules that is an argument to keep its elements",
                    received=f"another {type(argument).__name__} after the call than before",
                    fix="Keep the container in an attribute of a module, or return it.",
                )

    def close(self, output: Any, force: tuple[int, ...] = ()) -> tuple[Any, Aside]:
        """Compare what is there now with what was built.

        Args:
            output: what the function returned; modules may be anywhere in it.
            force: slots to treat as changed, whether they are or not.

        Returns:
            A tree of arrays, and the effect; `commit` takes both.
        """
        self._check_arguments()
        walks = [walk(unit) for unit in self.units]
        modules = [m for u, w in zip(self.units, walks, strict=True) for m in modules_of(u, w)]
        containers = [container for found in walks for container in found.containers]
        outputs, treedef = jax.tree_util.tree_flatten(output, is_leaf=is_module)
        same = (
            tuple(found.spec for found in walks) == self.specs
            and len(modules) == len(self.modules)
            and all(map(operator.is_, modules, self.modules))
            and all(map(operator.is_, containers, self.containers))
        )
        if same and not any(map(is_module, outputs)):
            payload, node = self._close_in_place(walks, output, force)
        else:
            payload, node = self._close_with_structure(tuple(outputs), treedef, force)
        node.value.after = tuple([found.spec for found in walks])
        return payload, node

    def _close_in_place(
        self, walks: list[Walk], output: Any, force: tuple[int, ...]
    ) -> tuple[Any, Aside]:
        values = [value for found in walks for value in found.values()]
        changed = [n in force or not self.is_old(n, v) for n, v in enumerate(values)]
        written = []
        start = 0
        for spec in self.specs:
            stop = start + spec.num_slots
            written.append(tuple(n - start for n in range(start, stop) if changed[n]))
            start = stop
        consumed = tuple(n for n, is_changed in enumerate(changed) if is_changed)
        effect = Effect(consumed)
        effect.written = tuple(written)
        return (output, [values[n] for n in consumed]), Aside(effect)

    def _close_with_structure(
        self, outputs: tuple[Any, ...], treedef: Any, force: tuple[int, ...]
    ) -> tuple[Any, Aside]:
        everything = (tuple(self.units), outputs, self._detached(outputs))
        found = walk(everything)
        values = found.values()
        old = {id(leaf): n for n, leaf in enumerate(self.leaves) if n not in force}
        sources: list[int | None] = []
        for value in values:
            number = old.get(id(value))
            sources.append(number if number is not None and self.is_old(number, value) else None)
        effect = Effect(tuple(n for n in range(len(self.leaves)) if n not in sources))
        effect.spec = found.spec
        effect.sources = tuple(sources)
        effect.origin = self.copies.origin(modules_of(everything, found), found.containers)
        effect.treedef = treedef
        effect.attached = len(walk(tuple(self.units)).modules)
        new = [v for v, source in zip(values, sources, strict=True) if source is None]
        return (None, new), Aside(effect)

    def _detached(self, outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the modules that the function took out of the tree; what it wrote there counts."""
        everything = (tuple(self.units), outputs)
        reachable = set(map(id, modules_of(everything, walk(everything))))
        return tuple(module for module in self.modules if id(module) not in reachable)

    def is_old(self, number: int, value: Any) -> bool:
        """Whether slot `number` has the data it was built with (also inside a mutable tree)."""
        if value is not self.leaves[number]:
            return False
        if number not in self.trees:
            return True
        before, structure = self.trees[number]
        leaves, treedef = jax.tree_util.tree_flatten(value)
        return bool(treedef == structure and all(map(operator.is_, leaves, before)))


def filled(arguments: Any, roots: Sequence[Any]) -> Any:
    """Return a tree with modules where its holes were."""
    return jax.tree_util.tree_map(
        lambda leaf: roots[leaf.index] if is_hole(leaf) else leaf, arguments, is_leaf=is_hole
    )


def _contents(container: Any) -> tuple[list[Any], Any]:
    return jax.tree_util.tree_flatten(container, is_leaf=is_module)


def _rebuilt(tree: Any) -> Any:
    """Copy the containers of a tree, so that changing them does not touch the user's."""
    if items_of(tree) is None:
        return tree
    return jax.tree_util.tree_map(lambda leaf: leaf, tree)


def commit(packed: Packed, payload: Any, effect: Effect, uniform: bool = False) -> Any:
    """Write what a function did into the user's own modules.

    Args:
        packed: the arguments of the call.
        payload: what `Inside.close` returned, after the transformation.
        effect: the same.
        uniform: whether the arrays come from one compiled function: all of them traced, or none.

    Returns:
        What the function returned, with the user's modules where it returned theirs.

    Raises:
        CapturedModuleError: a traced value would leak into a module outside the running trace.
    """
    output, values = payload
    if effect.spec is not None:
        return _commit_structure(packed, values, effect)
    if values and not (uniform and type(values[0]) in CONCRETE_ARRAY_TYPES):
        _check_all_owned(packed, values, effect)
    start = 0
    for unit, found, written in zip(packed.units, packed.walks, effect.written, strict=True):
        if not written:
            continue
        stop = start + len(written)
        part = values if stop - start == len(values) else values[start:stop]
        start = stop
        if found.snapshot is None:
            target = found.cache.get(effect) or _target(unit, found, written, effect)
            deque(map(operator.setitem, target.owners, target.names, part), maxlen=0)
            if target.watched:
                modules = modules_of(unit, found)
                for number in target.watched:
                    note_watched(modules[number], layout_of(modules[number]))
        else:
            data = list(found.snapshot)
            for number, value in zip(written, part, strict=True):
                data[number] = value
            copies = Copies(modules_of(unit, found), found.containers)
            write_back(found.spec, data, copies.unchanged(found.containers))
    return output


class _Target(NamedTuple):
    """Where the values of one effect go in one walk.

    Attributes:
        owners: the dicts and lists to write to.
        names: the keys in them.
        watched: numbers of the modules whose containers are replaced: the new ones are watched.
    """

    owners: list[Any]
    names: list[Any]
    watched: tuple[int, ...]


def _target(unit: Any, found: Walk, written: tuple[int, ...], effect: Effect) -> _Target:
    """Work out where values go; remembered as long as the walk is valid."""
    owners, names = [found.owners[n] for n in written], [found.names[n] for n in written]
    keys = {(id(owner), name) for owner, name in zip(owners, names, strict=True)}
    watched = tuple(
        number
        for number, module in enumerate(modules_of(unit, found))
        if any((id(module.__dict__), name) in keys for name in layout_of(module).watch)
    )
    target = _Target(owners, names, watched)
    remember(found.cache, effect, target)
    return target


def _check_all_owned(packed: Packed, values: Sequence[Any], effect: Effect) -> None:
    remaining = iter(values)
    for unit, found, written in zip(packed.units, packed.walks, effect.written, strict=True):
        modules, before = modules_of(unit, found), found.values()
        for number in written:
            slot = places(found.spec).slots[number]
            module, value = modules[slot.module], next(remaining)
            check_owned(module, slot.name, value)
            if module._tx_version < 0:
                note_write(module, slot.name, before[number], value)


def _commit_structure(packed: Packed, values: Sequence[Any], effect: Effect) -> Any:
    assert effect.spec is not None
    close_all(packed.modules())  # what is returned may carry what they hold
    containers = [container for found in packed.walks for container in found.containers]
    own = effect.origin.own(packed.modules(), containers)
    remaining = iter(values)
    data = [next(remaining) if old is None else packed.leaves[old] for old in effect.sources]
    for slot, value in zip(places(effect.spec).slots, data, strict=True):
        if slot.module < effect.attached and packed.roots:  # also new modules below the user's
            check_owned(own.modules.get(slot.module, packed.roots[0]), slot.name, value)
    _, outputs, _ = write_back(effect.spec, data, own)
    return jax.tree_util.tree_unflatten(effect.treedef, outputs)
