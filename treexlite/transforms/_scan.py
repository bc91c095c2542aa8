"""`tx.scan`: a loop over the first axis of arrays and of stacked modules.

Modules in the carry, and the `self` of a bound method, are handed from step to step. Modules in
`xs` are stacked (see `tx.stack`): each step gets one slice, and what it writes there is written
back to that slice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._context import current_init
from treexlite._core._paths import leaf_paths, places
from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.transforms._callable import unwrap
from treexlite.transforms._carry import Carry
from treexlite.transforms._flat import Flat, is_data
from treexlite.transforms._lift import Inside, commit
from treexlite.transforms._pack import Packed, pack


def scan(
    f: Any,
    carry: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """Run `carry, y = f(carry, x)` for each slice `x` of `xs`, as one compiled loop.

    Args:
        f: a function, a bound method or a module. It may write to modules in the carry, to its own
            `self`, and to modules in `x`; it must leave their structure as it is.
        carry: what is handed from step to step: arrays and modules, in any tree.
        xs: arrays and stacked modules, in any tree, sliced along their first axis; or None.
        length: how many steps; needed only when `xs` is None.
        reverse: whether to begin with the last slice.
        unroll: how many steps the compiler may write out in one go.

    Returns:
        `(carry, ys)`: the last carry, and the outputs of all steps stacked along a new first axis.
        Modules in the carry are the very objects that were passed in, changed in place, unless `f`
        returned others.

    Raises:
        ArgumentError: `f` returns no pair.
        StructureError: a step changes the structure of the carry, for example a plain int.
        ShapeError: a step changes the shape or dtype of an array in the carry, or modules in `xs`
            are not stacked.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> class Average(tx.Module):
        ...     total: jax.Array = tx.State.node(default=0.0)
        ...
        ...     def add(self, count, x):
        ...         self.total += x
        ...         return count + 1, self.total / (count + 1)
        >>> average = Average()
        >>> count, means = tx.scan(average.add, 0, jnp.array([1.0, 3.0, 5.0]))
        >>> float(average.total), means.tolist()
        (9.0, [1.0, 2.0, 3.0])

    Reference:
        `jax.lax.scan`.
    """
    function, known, named = unwrap("scan", f)
    if current_init() is not None:
        _create(function, known, named, carry, xs, reverse)
    state = Carry("scan", (known, named), carry)
    rows = pack((xs,), {})
    _check_apart(state, rows)
    _check_sliceable(rows)
    row = Flat(function, rows)

    def body(data: Any, slices: Any) -> Any:
        step = state.enter(data)
        inside = Inside(rows.key, slices[0])
        (x,), _ = inside.fill(row.arguments(slices[1]))
        args, kwargs = step.known
        output = function(*args, step.carry, x, **kwargs)
        if not (isinstance(output, tuple) and len(output) == 2):
            raise ArgumentError(
                "scan",
                expected="the function to return `(carry, y)`",
                received=f"a {type(output).__name__}",
                fix="Return a pair; `y` may be None.",
            )
        return state.leave(step, output[0]), inside.close(output[1])

    with state.explained():
        final, (payload, node) = jax.lax.scan(
            body,
            state.start,
            (rows.leaves, row.arrays(rows)),
            length=length,
            reverse=reverse,
            unroll=unroll,
        )
    ys = commit(rows, payload, node.value)
    return state.finish(final), ys


def _check_apart(state: Carry, rows: Packed) -> None:
    carried = set(map(id, state.packed.modules()))
    for module in rows.modules():
        if id(module) in carried:
            raise StructureError(
                "scan",
                expected="modules in `xs` that are not in the carry too",
                received=f"one {type(module).__name__} in both",
                fix="A module in `xs` is sliced, one in the carry is not: pass a copy to one side.",
            )


def _check_sliceable(rows: Packed) -> None:
    """Raise when a module in `xs` has data that cannot be sliced together with the rest."""
    sizes: dict[int, str] = {}
    for found in rows.walks:
        for slot, value in zip(places(found.spec).slots, found.values(), strict=True):
            for path, leaf in leaf_paths(slot.path, value):
                if not jnp.shape(leaf):
                    raise _unsliceable(f"field `{path}` of shape ()")
                sizes.setdefault(jnp.shape(leaf)[0], f"field `{path}`")
    for keys, leaf in jax.tree_util.tree_flatten_with_path(rows.arguments[0][0])[0]:
        if rows.roots and is_data(leaf) and jnp.shape(leaf):
            sizes.setdefault(jnp.shape(leaf)[0], f"`xs{jax.tree_util.keystr(keys)}`")
    if len(sizes) > 1:
        (size, name), (other, other_name) = list(sizes.items())[:2]
        raise _unsliceable(f"{size} for {name}, and {other} for {other_name}")


def _unsliceable(received: str) -> ShapeError:
    return ShapeError(
        "scan",
        expected="everything in `xs` to have a first axis of one size, with a slice for each step",
        received=received,
        fix="`tx.stack` gives modules such an axis; what all steps share belongs in the carry.",
    )


def _create(
    function: Callable[..., Any], known: Any, named: Any, carry: Any, xs: Any, reverse: bool
) -> None:
    """Run one step inside `init`, which creates what the modules still lack."""
    rows = pack((xs,), {})
    row = Flat(function, rows)
    first = -1 if reverse else 0

    def slice_of(array: jax.Array) -> jax.Array:
        # Without any slice, their shape is still enough.
        return array[first] if len(array) else jnp.zeros(array.shape[1:], array.dtype)

    leaves, arrays = jax.tree_util.tree_map(slice_of, (rows.leaves, row.arrays(rows)))
    (x,), _ = Inside(rows.key, leaves).fill(row.arguments(arrays))
    function(*known, carry, x, **named)
