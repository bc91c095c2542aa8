"""Taking the arguments of a call apart: modules out, holes in.

In: `args` and `kwargs` with modules anywhere in them. Out: a `Packed` call: the modules' specs
(hashable structure) and leaves (arrays), and the arguments with a `Hole` where each module stood.
Nothing is mutated. In the common case (same objects, same structure) this is one comparison of
version numbers and one gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from treexlite._core._graph import modules_of, walk
from treexlite._core._record import array_writes
from treexlite._core._registry import (
    CONCRETE_ARRAY_TYPES,
    MODULE_TYPES,
    SCALAR_TYPES,
    is_array,
    is_module,
)


class Hole:
    """Stands in the arguments where module number `index` was; a PyTree without leaves."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


jax.tree_util.register_pytree_node(
    Hole, lambda hole: ((), hole.index), lambda index, _: Hole(index)
)


def is_hole(value: Any) -> bool:
    """Whether this is where a module was taken out."""
    return type(value) is Hole


class Packed:
    """The arguments of one call, taken apart.

    Attributes:
        arguments: `(args, kwargs)` with holes for modules.
        roots: the modules that stood in the arguments.
        units: what was walked: each root by itself, or all in one tuple when they share modules.
        walks: the walk of each unit.
        specs: the structure of each unit; `(specs, len(roots))` determines how to build them.
        leaves: the data of all units.
    """

    __slots__ = ("arguments", "leaves", "roots", "specs", "units", "walks")

    def __init__(self, arguments: Any, roots: list[Any]) -> None:
        self.arguments, self.roots = arguments, roots
        self.units: Sequence[Any] = roots
        self.walks = [walk(root) for root in roots]
        if len(roots) > 1 and not self._disjoint():
            self.units = (tuple(roots),)
            self.walks = [walk(self.units[0])]
        self.specs = tuple([found.spec for found in self.walks])
        leaves: list[Any] = []
        for found in self.walks:
            leaves += found.values()
        self.leaves = leaves

    @property
    def key(self) -> Any:
        """What of this call decides about a trace, apart from shapes and plain arguments."""
        return self.specs, len(self.roots)

    def arrays_unchanged(self) -> bool:
        """Whether users have assigned no array since this was asked about the same structures."""
        key = ("arrays", *[found.serial for found in self.walks])
        cache = self.walks[0].cache if self.walks else {}
        before = cache.get(key)
        now = array_writes[0]
        if before != now:
            remember(cache, key, now)
        return before == now

    def _disjoint(self) -> bool:
        """Whether no module is below two roots."""
        key = ("disjoint", *[found.serial for found in self.walks])
        cache = self.walks[0].cache
        known: bool | None = cache.get(key)
        if known is None:
            modules = self.modules()
            known = len(set(map(id, modules))) == len(modules)
            remember(cache, key, known)
        return known

    def modules(self) -> list[Any]:
        """Return all modules of all units, in the order of their numbers."""
        return [
            module
            for unit, found in zip(self.units, self.walks, strict=True)
            for module in modules_of(unit, found)
        ]


_MAX_REMEMBERED = 64


def remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    """Add to a bounded cache."""
    if len(cache) >= _MAX_REMEMBERED:
        cache.clear()
    cache[key] = value


_LEAF_TYPES = SCALAR_TYPES | {str, bytes, type(None)}


def pack(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Packed:
    """Take the arguments of a call apart.

    Raises:
        CycleError: a module contains itself.
        FieldError: an undeclared attribute holds an array.
    """
    roots: list[Any] = []
    plain = tuple([_extract(argument, roots) for argument in args])
    named = {k: _extract(v, roots) for k, v in kwargs.items()} if kwargs else kwargs
    return Packed((plain, named), roots)


def _extract(value: Any, roots: list[Any]) -> Any:
    kind = type(value)
    if kind in MODULE_TYPES:
        roots.append(value)
        return Hole(len(roots) - 1)
    if kind in CONCRETE_ARRAY_TYPES or kind in _LEAF_TYPES or not has_module(value):
        return value

    def replace(leaf: Any) -> Any:
        if is_module(leaf):
            roots.append(leaf)
            return Hole(len(roots) - 1)
        return leaf

    return jax.tree_util.tree_map(replace, value, is_leaf=is_module)


def has_module(value: Any) -> bool:
    """Whether a module stands anywhere in `value`."""
    kind = type(value)
    if kind in CONCRETE_ARRAY_TYPES or kind in _LEAF_TYPES:
        return False
    if kind in MODULE_TYPES:
        return True
    if isinstance(value, dict):
        return any(map(has_module, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_module, value))
    if is_array(value):
        return False
    return any(map(is_module, jax.tree_util.tree_leaves(value, is_leaf=is_module)))
