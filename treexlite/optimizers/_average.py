"""Averages of parameters: an exponential moving average beside the parameters themselves.

In: the step, and the decay. Out: a step. The state has the averages, in float32 at least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._core._named import with_named
from treexlite._core._paths import FieldInfo
from treexlite.optimizers._pairing import parameters
from treexlite.optimizers._step import Named, Step, find


class Averaged(NamedTuple):
    """How many steps are in the averages, the averages by path, and the state of the step."""

    number: jax.Array
    averages: Named
    inner: Any


def averaged(step: Step, decay: float) -> Step:
    """Return the step after which `average = decay * average + (1 - decay) * parameter`.

    The first step sets them to the parameters, as Keras and torch do, so that nothing of the random
    beginning stays. Parameters that join later begin with what they are then.
    """

    def init(params: Named) -> Averaged:
        averages = {path: _wide_copy(value) for path, value in params.items()}
        return Averaged(jnp.zeros((), jnp.int32), averages, step.init(params))

    def advance(grads: Named, state: Averaged, params: Named, extra: dict[str, Any]) -> Any:
        new, inner = step.advance(grads, state.inner, params, extra)
        weight = jnp.where(state.number == 0, 0.0, decay)
        averages = {
            path: weight * average + (1 - weight) * new[path]
            for path, average in state.averages.items()
        }
        return new, Averaged(state.number + 1, averages, inner)

    return Step(init, advance)


def _wide_copy(value: Any) -> Any:
    """Copy, so that no buffer is in the model and in the optimizer: both may be donated."""
    return jnp.array(value, jnp.promote_types(jnp.result_type(value), jnp.float32), copy=True)


def averages_of(state: Any, known: Mapping[str, FieldInfo]) -> Named:
    """Return the averages in a state, in the dtypes of the parameters."""
    averages = next(find(state, Averaged)).averages
    return {
        path: average.astype(jnp.result_type(known[path].value))
        for path, average in averages.items()
        if path in known
    }


@contextmanager
def exchanged(model: Any, values: Named) -> Iterator[None]:
    """Give a model other parameters while the block runs."""
    before = {path: parameters(model)[path].value for path in values}
    with_named(model, values, inplace=True)
    try:
        yield
    finally:
        with_named(model, before, inplace=True)
