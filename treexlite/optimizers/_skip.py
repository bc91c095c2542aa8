"""Skipping: gradients that are not finite move nothing.

In: the step, and whether the gradients are finite. Out: a step. The state counts what was skipped.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite.optimizers._step import Named, Step, choose


class Skipped(NamedTuple):
    """How many steps were skipped, and the state of the step."""

    number: jax.Array
    inner: Any


def all_finite(tree: Any) -> jax.Array:
    """Whether every entry of every array is a number."""
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]
    return jnp.stack(finite).all() if finite else jnp.array(True)


def skipping(step: Step, finite: Any) -> Step:
    """Return the step that leaves parameters and state as they are unless `finite`."""

    def init(params: Named) -> Skipped:
        return Skipped(jnp.zeros((), jnp.int32), step.init(params))

    def advance(grads: Named, state: Skipped, params: Named, extra: dict[str, Any]) -> Any:
        new, inner = choose(
            finite,
            lambda: step.advance(grads, state.inner, params, extra),
            lambda: (params, state.inner),
        )
        return new, Skipped(state.number + jnp.where(finite, 0, 1), inner)

    return Step(init, advance)
