"""Constraints: functions that bring parameters back to where they are allowed, after each step.

In: the step, and for some paths a function from array to array. Out: a step. It has no state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax.numpy as jnp

from treexlite._errors import ShapeError, describe
from treexlite.optimizers._step import Named, Step

Constraint: TypeAlias = Callable[[Any], Any]


def constrained(step: Step, constraints: Mapping[str, Constraint]) -> Step:
    """Return the step whose new parameters are `constraint(parameter)`, exactly."""

    def advance(grads: Named, state: Any, params: Named, extra: dict[str, Any]) -> Any:
        new, state = step.advance(grads, state, params, extra)
        return {
            path: _constrained(path, x, constraints.get(path)) for path, x in new.items()
        }, state

    return Step(step.init, advance)


def _constrained(path: str, value: Any, constraint: Constraint | None) -> Any:
    if constraint is None:
        return value
    result = constraint(value)
    if jnp.shape(result) != jnp.shape(value):
        raise ShapeError(
            "Optimizer.update",
            expected=f"the constraint of `{path}` to keep the shape {jnp.shape(value)}",
            received=describe(result),
            fix="A constraint is a function from an array to an array of the same shape.",
        )
    return jnp.asarray(result, jnp.result_type(value))
