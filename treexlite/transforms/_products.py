"""`tx.vjp` and `tx.jvp`: derivatives multiplied by a vector, from the left or from the right.

As `jax.vjp` and `jax.jvp`, with modules among the primals. What the function changes in its modules
is changed once, by the forward pass.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._context import current_init
from treexlite._core._choices import slot_infos
from treexlite._core._filters import Filter
from treexlite._core._graph import walk
from treexlite._core._nothing import Nothing
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, StructureError
from treexlite.transforms._callable import unwrap
from treexlite.transforms._chosen import Argument, Chosen
from treexlite.transforms._lift import commit
from treexlite.transforms._pack import Packed, pack
from treexlite.transforms._point import Point, as_filters, choose


def vjp(
    f: Any,
    /,
    *primals: Any,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
) -> Any:
    """Run `f` forwards, and return its value with a function that runs it backwards.

    Args:
        f: returns arrays, or `(arrays, aux)` with `has_aux`. The `self` of a bound method is not
            differentiated.
        primals: positional arguments of `f`; modules may be anywhere in them.
        has_aux: whether `f` returns a pair.
        wrt: filters that choose what in the modules is differentiated; see `value_and_grad`.

    Returns:
        `(value, pullback)`, or `(value, pullback, aux)`. `pullback(cotangent)` returns a tuple with
        the gradient of each primal; a module's is a module of its type.

    Raises:
        ArgumentError: `f` returns a module, or `has_aux` and the result is no pair.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> y, pullback = tx.vjp(lambda model, x: model(x), model, jnp.ones((3, 2)))
        >>> grads, x_grad = pullback(jnp.ones_like(y))
        >>> grads.bias
        Array([3.], dtype=float32)
    """
    function, known, named = unwrap("vjp", f)
    if current_init() is not None:
        function(*known, *primals, **named)  # creates what is missing, under its own path
    packed = pack((*known, *primals), named)
    positions = range(len(known), len(known) + len(primals))
    chosen = choose("vjp", packed, positions, as_filters(wrt))
    point = Point("vjp", function, packed, positions, chosen, has_aux)
    value, back, (payload, node) = jax.vjp(point.inner, *point.inputs, has_aux=True)
    aux = commit(packed, payload, node.value)
    pullback = jax.tree_util.Partial(functools.partial(_pull, chosen), back)
    return (value, pullback, aux) if has_aux else (value, pullback)


def _pull(chosen: Chosen, back: Any, cotangent: Any) -> Any:
    return chosen.assemble(*back(cotangent))


def jvp(f: Any, /, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Run `f` forwards together with its derivative in a direction.

    Args:
        f: returns arrays, or `(arrays, aux)` with `has_aux`.
        primals: the positional arguments of `f`; modules may be anywhere in them.
        tangents: the direction: trees like the primals. A module's is a module of its type;
            `Nothing` in it (as in gradients) means no change.
        has_aux: whether `f` returns a pair.

    Returns:
        `(value, tangent)`, or `(value, tangent, aux)`.

    Raises:
        ArgumentError: primals and tangents differ in number, or `f` returns a module.
        StructureError: a module's tangent has data where the module has none.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> direction = jax.tree.map(jnp.ones_like, model)
        >>> y, change = tx.jvp(lambda model: model(jnp.ones(2)), (model,), (direction,))
        >>> change
        Array([3.], dtype=float32)
    """
    if len(primals) != len(tangents):
        raise ArgumentError(
            "jvp",
            expected="one tangent for each primal",
            received=f"{len(primals)} primals and {len(tangents)} tangents",
            fix="Pass two tuples of the same length.",
        )
    function, known, named = unwrap("jvp", f)
    if current_init() is not None:
        function(*known, *primals, **named)  # creates what is missing, under its own path
    packed = pack((*known, *primals), named)
    positions = range(len(known), len(known) + len(primals))
    arguments = [Argument(packed, position) for position in positions]
    moved: dict[int, Any] = {}
    for argument, tangent in zip(arguments, tangents, strict=True):
        argument.choose_numbers(_moved_leaves(argument, packed, tangent, moved))
    plain = [packed.arguments[0][position] for position in positions]
    chosen = Chosen(arguments, plain, single=False)
    point = Point("jvp", function, packed, positions, chosen, has_aux)
    directions = [moved[n] for n in chosen.numbers], [*map(_plain, chosen.plain, tangents)]
    value, change, (payload, node) = jax.jvp(point.inner, point.inputs, directions, has_aux=True)
    aux = commit(packed, payload, node.value)
    return (value, change, aux) if has_aux else (value, change)


def _moved_leaves(
    argument: Argument, packed: Packed, tangent: Any, moved: dict[int, Any]
) -> dict[int, Any]:
    """Add the tangents of the modules in one argument to `moved`, by the number of the leaf."""
    found = [m for m in jax.tree_util.tree_leaves(tangent, is_leaf=is_module) if is_module(m)]
    if len(found) != len(argument.roots):
        raise _unlike(f"{len(argument.roots)} modules", f"{len(found)}")
    given = [
        {info.path: info.value for slot in slot_infos(module, walk(module)) for info in slot}
        for module in found
    ]
    numbers = iter(argument.leaves)
    for root, tangents in zip(argument.roots, given, strict=True):
        module = packed.roots[root]
        for info in (info for slot in slot_infos(module, walk(module)) for info in slot):
            number, change = next(numbers), tangents.pop(info.path, Nothing)
            if change is not Nothing and jnp.issubdtype(jnp.result_type(info.value), jnp.inexact):
                moved.setdefault(number, change)
        tangents = {path: value for path, value in tangents.items() if value is not Nothing}
        if tangents:
            raise _unlike("fields that the module has", ", ".join(map(repr, tangents)))
    return moved


def _plain(structure: Any, tangent: Any) -> Any:
    leaves = jax.tree_util.tree_leaves(tangent, is_leaf=is_module)
    leaves = [leaf for leaf in leaves if not is_module(leaf)]
    if len(leaves) != structure.num_leaves:
        raise _unlike(f"{structure.num_leaves} plain arrays", f"{len(leaves)}")
    return jax.tree_util.tree_unflatten(structure, leaves)


def _unlike(expected: str, received: str) -> StructureError:
    return StructureError(
        "jvp",
        expected=f"a tangent like its primal, with {expected}",
        received=received,
        fix="Make it from the primal: `jax.tree.map(jnp.ones_like, model)`, or by `tx.grad`.",
    )
