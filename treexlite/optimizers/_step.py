"""Steps: what an update is made of, when more is wanted than one transformation.

A step has the two functions of an optax transformation, but it returns the new parameters instead
of a difference. So what comes after the transformation (averages, constraints, copies in float32)
sees what the parameters really become, and what is held back stays as it was, bit for bit.

In: gradients, state, parameters (`{path: array}`) and the extra arguments. Out: new parameters and
state. Nothing mutates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import optax

from treexlite._core._registry import is_tracer

Named: TypeAlias = dict[str, Any]
S = TypeVar("S")


class Step(NamedTuple):
    """`init(params)` makes the state; `advance` takes a step."""

    init: Callable[[Named], Any]
    advance: Callable[[Named, Any, Named, dict[str, Any]], tuple[Named, Any]]


def plain(transformation: optax.GradientTransformation) -> Step:
    """Return the step that adds the updates of a transformation."""
    transformation = optax.with_extra_args_support(transformation)

    def advance(grads: Named, state: Any, params: Named, extra: dict[str, Any]) -> Any:
        updates, state = transformation.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    return Step(transformation.init, advance)


def choose(condition: Any, yes: Callable[[], S], no: Callable[[], S]) -> S:
    """Run one of two functions: at once when the condition is known, else as a `jax.lax.cond`.

    The results of `yes` take the dtypes of those of `no`, which are there already.
    """
    if not is_tracer(condition):
        run = yes if condition else no
        return run()

    def alike() -> S:
        new: S = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), yes(), no())
        return new

    result: S = jax.lax.cond(condition, alike, no)
    return result


def find(state: Any, kind: type[S]) -> Iterator[S]:
    """Iterate over the states of one kind, wherever they stand."""
    for part in jax.tree_util.tree_leaves(state, is_leaf=lambda part: isinstance(part, kind)):
        if isinstance(part, kind):
            yield part
