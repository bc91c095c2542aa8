"""`tx.custom_vjp`: a backward pass that you write yourself, over modules.

The function and its rules get modules where the caller passed modules. What the function changes is
carried out; where it is differentiated, what the forward rule changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._context import current_init
from treexlite._core._choices import slot_infos
from treexlite._core._graph import walk
from treexlite._core._nothing import Nothing
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, StructureError, describe
from treexlite.transforms._callable import Transform
from treexlite.transforms._chosen import Argument
from treexlite.transforms._custom import Written, closed, no_rule, positional
from treexlite.transforms._flat import Flat, is_data
from treexlite.transforms._lift import commit
from treexlite.transforms._pack import Packed, is_hole, pack
from treexlite.transforms._static_arguments import StaticArguments, Statics


class CustomVjp(Transform):
    """A function with a backward pass of its own; see `custom_vjp`."""

    name = "custom_vjp"

    def __init__(self, f: Any, nondiff_argnums: Sequence[int]) -> None:
        super().__init__(f)
        self.static = StaticArguments(self.name, self.function, nondiff_argnums, (), self.num_known)
        self.forward: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the rule.

        Args:
            forward: takes what the function takes, and returns `(output, residuals)`. Residuals may
                be modules too.
            backward: takes the static arguments, the residuals and the cotangent of the output, and
                returns a tuple with a cotangent for each argument that is not static: for a module
                a module of its type (`Nothing` where there is none), or None for zeros.
        """
        self.forward, self.backward = forward, backward

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function under `jax.custom_vjp`, and write what it changed."""
        if self.forward is None or self.backward is None:
            raise no_rule(self, "defvjp(forward, backward)")
        if current_init() is not None:
            return self.function(*args, **kwargs)
        args, statics = positional(self, self.static, args, kwargs)
        packed = pack(args, {})
        rule = _Rule(self, packed, statics)
        call = jax.custom_vjp(rule.function)
        call.defvjp(rule.forward, rule.backward)
        payload, node = call(packed.leaves, rule.flat.arrays(packed))
        return commit(packed, payload, node.value)


class _Rule:
    """The rule for one call, over arrays."""

    def __init__(self, custom: CustomVjp, packed: Packed, statics: Statics) -> None:
        assert custom.forward is not None
        assert custom.backward is not None
        self.back = custom.backward
        self.statics = statics
        self.flat = Flat(custom.function, packed, statics)
        self.flat_forward = Flat(custom.forward, packed, statics)
        self.cotangents = _Cotangents(packed, self.flat, statics)
        self.written = Written("custom_vjp", packed)

    def function(self, leaves: Any, arrays: Any) -> Any:
        payload, node = self.flat(leaves, arrays)
        self.written.effect = node.value
        return payload, node

    def forward(self, leaves: Any, arrays: Any) -> Any:
        inside, output = self.flat_forward.run(leaves, arrays)
        if not (isinstance(output, tuple) and len(output) == 2):
            raise ArgumentError(
                "custom_vjp",
                expected="the forward rule to return `(output, residuals)`",
                received=f"a {type(output).__name__}",
                fix="Return a pair; the residuals are what the backward rule needs.",
            )
        value, residuals = output
        payload, node = closed("custom_vjp", inside, value)
        self.written.check(node.value)
        return (payload, node), residuals

    def backward(self, residuals: Any, cotangent: Any) -> Any:
        (output, _), _ = cotangent
        known = [static.value for place, static in self.statics]
        return self.cotangents.flat(self.back(*known, residuals, output))


class _Cotangents:
    """Turns what a backward rule returns into cotangents for each leaf and each array."""

    def __init__(self, packed: Packed, flat: Flat, statics: Statics) -> None:
        args, _ = packed.arguments
        fixed = {place for place, _ in statics}
        self.num_arrays = len(flat.arrays(packed))
        self.treedef: Any = jax.tree_util.tree_structure(packed.leaves)
        self.places: list[list[Any]] = []
        numbers = iter(range(self.num_arrays))
        for position, argument in enumerate(args):
            paths = self._paths(packed, position)
            place = [
                next(paths) if is_hole(leaf) else next(numbers) if is_data(leaf) else None
                for leaf in jax.tree_util.tree_leaves(argument, is_leaf=_is_part)
            ]
            if position not in fixed:
                self.places.append(place)

    def _paths(self, packed: Packed, position: int) -> Any:
        """Yield for each module of one argument the numbers of its leaves, by path."""
        argument = Argument(packed, position)
        numbers = iter(argument.leaves)
        for root in argument.roots:
            module = packed.roots[root]
            infos = [info for slot in slot_infos(module, walk(module)) for info in slot]
            yield {info.path: next(numbers) for info in infos}

    def flat(self, returned: Any) -> tuple[Any, list[Any]]:
        """Return the cotangents of `(leaves, arrays)`; None means zero."""
        if not isinstance(returned, (tuple, list)) or len(returned) != len(self.places):
            raise self._unlike(f"a tuple of {len(self.places)} cotangents", describe(returned))
        leaves: list[Any] = [None] * self.treedef.num_leaves
        arrays: list[Any] = [None] * self.num_arrays
        for place, cotangent in zip(self.places, returned, strict=True):
            if cotangent is None:
                continue
            parts = jax.tree_util.tree_leaves(cotangent, is_leaf=_is_part)
            if len(parts) != len(place):
                raise self._unlike(f"{len(place)} parts, like the argument", f"{len(parts)}")
            for where, part in zip(place, parts, strict=True):
                if isinstance(where, int):
                    arrays[where] = part
                elif isinstance(where, dict) and part is not None:
                    self._add(where, part, leaves)
        return jax.tree_util.tree_unflatten(self.treedef, leaves), arrays

    def _add(self, numbers: dict[str, int], part: Any, leaves: list[Any]) -> None:
        if not is_module(part):
            raise self._unlike("a module for a module, or None", describe(part))
        for info in (info for slot in slot_infos(part, walk(part)) for info in slot):
            if info.value is Nothing or info.value is None:
                continue
            if info.path not in numbers:
                raise self._unlike("fields that the module has", repr(info.path))
            if jnp.issubdtype(jnp.result_type(info.value), jnp.inexact):
                before = leaves[numbers[info.path]]
                leaves[numbers[info.path]] = info.value if before is None else before + info.value

    def _unlike(self, expected: str, received: str) -> StructureError:
        return StructureError(
            "custom_vjp",
            expected=f"the backward rule to return {expected}",
            received=received,
            fix="Return one cotangent for each argument that is not static; None means zero.",
        )


def _is_part(value: Any) -> bool:
    return value is None or is_hole(value) or is_module(value)


def custom_vjp(f: Any = None, *, nondiff_argnums: int | Sequence[int] = ()) -> Any:
    """Return `f` with a backward pass of its own, given by `.defvjp(forward, backward)`.

    Args:
        f: a function, or a method in a class body; left out when used as a decorator with options.
        nondiff_argnums: positions of arguments that are static: numbers and flags that belong to
            the program. The backward rule gets them first.

    Returns:
        A callable with the signature of `f`.

    Raises:
        ContextError: it is called before `.defvjp`.
        StructureError: the backward rule does not return what corresponds to the arguments.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> @tx.custom_vjp
        ... def clipped(layer, x):
        ...     return layer(x)
        >>> def forward(layer, x):
        ...     return layer(x), (layer, x)
        >>> def backward(residuals, ct):
        ...     layer, x = residuals
        ...     _, pullback = tx.vjp(lambda layer, x: layer(x), layer, x)
        ...     return pullback(jnp.clip(ct, -0.1, 0.1))
        >>> clipped.defvjp(forward, backward)
        >>> layer = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> tx.grad(lambda layer, x: clipped(layer, x).sum())(layer, jnp.ones((3, 2))).bias
        Array([0.3], dtype=float32)

    Reference:
        `jax.custom_vjp`.
    """
    numbers = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)
    return CustomVjp(f, numbers) if f is not None else lambda g: CustomVjp(g, numbers)
