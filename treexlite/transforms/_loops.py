"""`tx.while_loop` and `tx.fori_loop`: loops whose carry, and whose `self`, may hold modules."""

from __future__ import annotations

from typing import Any

import jax

from treexlite._context import current_init
from treexlite._errors import StructureError
from treexlite.transforms._callable import unwrap
from treexlite.transforms._carry import Carry


def while_loop(cond_fun: Any, body_fun: Any, init_val: Any) -> Any:
    """Run `carry = body_fun(carry)` while `cond_fun(carry)` holds, as one compiled loop.

    Args:
        cond_fun: returns one boolean. It may read modules, but not write to them.
        body_fun: returns the next carry. It may write to modules in the carry and to its own
            `self`; it must leave their structure as it is. Functions, bound methods, modules.
        init_val: the first carry: arrays and modules, in any tree.

    Returns:
        The last carry. Modules in it are the very objects that were passed in, changed in place,
        unless `body_fun` returned others.

    Raises:
        StructureError: a step changes the structure of the carry, or `cond_fun` writes to a module.
        ShapeError: a step changes the shape or dtype of an array in the carry.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> class Counter(tx.Module):
        ...     n: jax.Array = tx.State.node(default=0)
        >>> def count(counter):
        ...     counter.n += 1
        ...     return counter
        >>> counter = Counter()
        >>> _ = tx.while_loop(lambda counter: counter.n < 7, count, counter)
        >>> int(counter.n)
        7

    Reference:
        `jax.lax.while_loop`; as there, it has no reverse-mode derivative.
    """
    test, test_known, test_named = unwrap("while_loop", cond_fun)
    step_function, known, named = unwrap("while_loop", body_fun)
    if current_init() is not None:
        step_function(*known, init_val, **named)
    state = Carry("while_loop", ((test_known, test_named), (known, named)), init_val)

    def cond(data: Any) -> Any:
        step = state.enter(data)
        args, kwargs = step.known[0]
        holds = test(*args, step.carry, **kwargs)
        if not step.untouched():
            raise StructureError(
                "while_loop",
                expected="`cond_fun` to leave modules as they are",
                received="a write to one of them",
                fix="Write in `body_fun`; the condition may be computed once more than the body.",
            )
        return holds

    def body(data: Any) -> Any:
        step = state.enter(data)
        args, kwargs = step.known[1]
        return state.leave(step, step_function(*args, step.carry, **kwargs))

    with state.explained():
        final = jax.lax.while_loop(cond, body, state.start)
    return state.finish(final)


def fori_loop(
    lower: Any, upper: Any, body_fun: Any, init_val: Any, *, unroll: int | bool | None = None
) -> Any:
    """Run `carry = body_fun(i, carry)` for each `i` from `lower` to `upper - 1`.

    Args:
        lower: the first index.
        upper: the index after the last one. With concrete bounds the loop can be differentiated.
        body_fun: returns the next carry; see `while_loop`.
        init_val: the first carry: arrays and modules, in any tree.
        unroll: how many steps the compiler may write out in one go (with concrete bounds).

    Returns:
        The last carry; modules in it as in `while_loop`.

    Raises:
        StructureError: a step changes the structure of the carry.
        ShapeError: a step changes the shape or dtype of an array in the carry.

    Example:
        >>> import treexlite as tx
        >>> tx.fori_loop(0, 5, lambda i, total: total + i, 0).item()
        10

    Reference:
        `jax.lax.fori_loop`.
    """
    function, known, named = unwrap("fori_loop", body_fun)
    if current_init() is not None:
        function(*known, lower, init_val, **named)
    state = Carry("fori_loop", (known, named), init_val)

    def body(index: Any, data: Any) -> Any:
        step = state.enter(data)
        args, kwargs = step.known
        return state.leave(step, function(*args, index, step.carry, **kwargs))

    with state.explained():
        final = jax.lax.fori_loop(lower, upper, body, state.start, unroll=unroll)
    return state.finish(final)
