"""Lookahead: fast parameters explore, slow ones follow them now and then.

In: the step, how many steps are explored, and how far the slow ones follow. Out: a step. The state
has the slow parameters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite.optimizers._step import Named, Step


class Lookahead(NamedTuple):
    """Steps since the last synchronisation, the slow parameters, and the state of the step."""

    number: jax.Array
    slow: Named
    inner: Any


def lookahead(step: Step, every: int, alpha: float) -> Step:
    """Return the step that sets both to `slow + alpha * (fast - slow)` every `every` steps."""

    def init(params: Named) -> Lookahead:
        slow = {path: jnp.array(value, copy=True) for path, value in params.items()}
        return Lookahead(jnp.zeros((), jnp.int32), slow, step.init(params))

    def advance(grads: Named, state: Lookahead, params: Named, extra: dict[str, Any]) -> Any:
        fast, inner = step.advance(grads, state.inner, params, extra)
        number = state.number + 1
        meet = number == every
        slow = {
            path: jnp.where(meet, (old + alpha * (fast[path] - old)).astype(old.dtype), old)
            for path, old in state.slow.items()
        }
        new = {path: jnp.where(meet, slow[path], value) for path, value in fast.items()}
        return new, Lookahead(jnp.where(meet, 0, number), slow, inner)

    return Step(init, advance)
