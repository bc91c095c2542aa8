"""Removing from a traced program what its outputs do not need, side effects included.

In: a jaxpr. Out: the same jaxpr with fewer equations. Initialisation traces a whole forward pass to
learn shapes; pruned, it neither compiles nor runs any of it, not even its prints.
"""

from __future__ import annotations

from typing import Any

from jax.extend import core


def pruned(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """Keep the equations that the outputs depend on; inner jaxprs stay whole."""
    jaxpr = closed.jaxpr
    needed: set[Any] = {v for v in jaxpr.outvars if not isinstance(v, core.Literal)}
    kept = []
    for equation in reversed(jaxpr.eqns):
        if not needed.isdisjoint(equation.outvars):
            kept.append(equation)
            needed.update(v for v in equation.invars if not isinstance(v, core.Literal))
    kept.reverse()
    effects: frozenset[Any] = frozenset().union(*(equation.effects for equation in kept))
    return core.ClosedJaxpr(jaxpr.replace(eqns=kept, effects=effects), closed.consts)
