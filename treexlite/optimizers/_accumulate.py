"""Accumulation: the mean of several gradients makes one step.

In: the step, and of how many gradients. Out: a step. The state is the mean so far.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite.optimizers._step import Named, Step, choose


class Accumulated(NamedTuple):
    """How many gradients are in the mean, the mean, and the state of the step."""

    number: jax.Array
    mean: Named
    inner: Any


def accumulated(step: Step, every: int) -> Step:
    """Return the step that waits for the mean of `every` gradients; the numbers of `MultiSteps`.

    A parameter that joins in between counts as if its gradient had been zero before. What one that
    was frozen has collected is dropped.
    """

    def init(params: Named) -> Accumulated:
        mean = jax.tree.map(jnp.zeros_like, params)
        return Accumulated(jnp.zeros((), jnp.int32), mean, step.init(params))

    def advance(grads: Named, state: Accumulated, params: Named, extra: dict[str, Any]) -> Any:
        def collect(mean: Any, grad: Any) -> Any:
            mean = jnp.where(state.number == 0, jnp.zeros_like(mean), mean)
            return (mean + (grad - mean) / (state.number + 1)).astype(mean.dtype)

        mean = {path: collect(state.mean[path], grad) for path, grad in grads.items()}
        full = state.number + 1 == every
        new, inner = choose(
            full,
            lambda: step.advance(mean, state.inner, params, extra),
            lambda: (params, state.inner),
        )
        return new, Accumulated(jnp.where(full, 0, state.number + 1), mean, inner)

    return Step(init, advance)
