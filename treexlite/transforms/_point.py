"""The point at which a function is differentiated.

In: a call, and what of its arguments is differentiated. Out: `inner(leaves, arguments)`, a function
of the differentiated data alone, which returns the value and, as auxiliary output, what `commit`
takes. `grad`, `vjp`, `jvp` and the Jacobians each hand it to their JAX transformation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import jax

from treexlite._context import current_init
from treexlite._core import _filters
from treexlite._core._filters import Filter
from treexlite._core._registry import is_module
from treexlite._core._tree import is_differentiable, is_trainable
from treexlite._errors import ArgumentError
from treexlite.transforms._callable import Transform
from treexlite.transforms._chosen import Argument, Chosen
from treexlite.transforms._lift import Inside
from treexlite.transforms._pack import Packed, pack


class Point:
    """One call, seen as a function of what is differentiated.

    Attributes:
        packed: the call.
        chosen: what is differentiated.
        inputs: the data of it: `([leaf, ...], [plain argument, ...])`.
    """

    def __init__(
        self,
        where: str,
        function: Callable[..., Any],
        packed: Packed,
        positions: Sequence[int],
        chosen: Chosen,
        has_aux: bool,
    ) -> None:
        self.where, self.function, self.packed = where, function, packed
        self.positions, self.chosen, self.has_aux = positions, chosen, has_aux
        self.flat, self.treedef = jax.tree_util.tree_flatten(packed.leaves)
        plain = [packed.arguments[0][position] for position in positions]
        self.inputs: tuple[Any, Any] = ([self.flat[n] for n in chosen.numbers], plain)

    def inner(self, leaves: list[Any], arguments: list[Any]) -> Any:
        """Return `(value, (payload, node))`, given the data that is differentiated."""
        merged = list(self.flat)
        for number, leaf in zip(self.chosen.numbers, leaves, strict=True):
            merged[number] = leaf
        args, kwargs = self.packed.arguments
        replaced = list(args)
        for position, argument in zip(self.positions, arguments, strict=True):
            replaced[position] = argument
        inside = Inside(self.packed.key, jax.tree_util.tree_unflatten(self.treedef, merged))
        args, kwargs = inside.fill((tuple(replaced), kwargs))
        value, aux = self._split(self.function(*args, **kwargs))
        return value, inside.close(aux)

    def _split(self, output: Any) -> tuple[Any, Any]:
        value, aux = output, None
        if self.has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise ArgumentError(
                    self.where,
                    expected="the function to return `(value, aux)`, because has_aux=True",
                    received=f"a {type(output).__name__}",
                    fix="Return a pair, or leave `has_aux` out.",
                )
            value, aux = output
        leaves = jax.tree_util.tree_leaves(value, is_leaf=is_module)
        module = next(filter(is_module, leaves), None)
        if module is not None:
            raise ArgumentError(
                self.where,
                expected="the differentiated function to return arrays",
                received=f"a {type(module).__name__} in its result",
                fix="What it writes is kept anyway; return modules beside the value: `has_aux`.",
            )
        return value, aux


def as_filters(wrt: Filter | Sequence[Filter] | None) -> tuple[Filter, ...] | None:
    """Return `wrt` as a tuple of filters, or None for the default."""
    if wrt is None:
        return None
    several = isinstance(wrt, (tuple, list))
    return tuple(cast("Sequence[Filter]", wrt)) if several else (cast("Filter", wrt),)


def choose(
    where: str,
    packed: Packed,
    positions: Sequence[int],
    filters: tuple[Filter, ...] | None,
    single: bool = False,
) -> Chosen:
    """Choose the leaves for which all `filters` hold; by default the trainable parameters.

    Raises:
        PathError: a path pattern matches nothing.
    """
    arguments = [Argument(packed, position) for position in positions]
    for argument in arguments:
        infos = argument.infos(packed)
        if filters is None:
            argument.chosen = [is_trainable(info) for info in infos]
        else:
            _filters.check_patterns(where, filters, infos)
            holds = _filters.All(*filters)
            argument.chosen = [holds(info) and is_differentiable(info) for info in infos]
    return Chosen(arguments, [packed.arguments[0][position] for position in positions], single)


class Differentiator(Transform):
    """A function whose derivatives are taken; the base of `grad` and of the Jacobians."""

    name = "differentiate"

    def __init__(
        self,
        f: Any,
        argnums: int | Sequence[int],
        has_aux: bool,
        wrt: Filter | Sequence[Filter] | None,
        options: dict[str, Any],
    ) -> None:
        super().__init__(f)
        self.single = isinstance(argnums, int)
        self.argnums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.has_aux = has_aux
        self.filters = as_filters(wrt)
        self.options = options

    def point(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Point:
        """Take a call apart into what is differentiated and what is not."""
        if current_init() is not None:
            self.function(*args, **kwargs)  # creates what is missing; the compiler drops the rest
        packed = pack(args, kwargs)
        positions = [self._position(n, len(args)) for n in self.argnums]
        chosen = choose(self.name, packed, positions, self.filters, self.single)
        return Point(self.name, self.function, packed, positions, chosen, self.has_aux)

    def _position(self, argnum: int, count: int) -> int:
        offset = self.num_known
        position = argnum + offset if argnum >= 0 else argnum + count
        if not offset <= position < count:
            raise ArgumentError(
                self.name,
                expected=f"`argnums` to name one of the {count - offset} positional arguments",
                received=f"argnums={argnum}",
                fix="Pass the argument to differentiate by position.",
            )
        return position
