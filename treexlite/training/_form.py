"""How steps are dispatched, and when that has to be looked at again.

In: what the trace of a step contains, and the arguments of a step. Out: a `Form`, which follows
from the program alone, so that two runs of a script run the same compiled programs; and a
signature, equal for arguments that lead to the same trace. Nothing is mutated.
"""

from __future__ import annotations

import enum
from typing import Any

import jax
import jax.numpy as jnp

from treexlite.training._cost import Cost

LOOP_FLOPS = 1e8  # of one step: longer ones gain nothing, and a CPU may give them more threads


class Form(enum.Enum):
    """How the steps of one kind are dispatched.

    A loop is the rule. Steps go one by one when XLA is slow at what they do inside a loop (a CPU,
    and convolutions or large matrix products), or when they change the structure of the state.
    Steps that call Python while they run (`jax.debug.print`, `jax.pure_callback`) go one by one
    too, wait for each other and reuse no memory: they may fail, and then the state has to be as
    before.
    """

    LOOPED = "several steps in one dispatch"
    SINGLE = "one step in each dispatch"
    CAREFUL = "one step after the other, because they call Python"
    EAGER = "eagerly, operation by operation"


def form_of(contents: Cost) -> Form:
    """Return the form of steps whose loop contains this."""
    if contents.has_callbacks:
        return Form.CAREFUL
    on_cpu = jax.default_backend() == "cpu"
    is_slow = contents.has_convolutions or contents.flops > LOOP_FLOPS
    return Form.SINGLE if on_cpu and is_slow else Form.LOOPED


def signature(arguments: tuple[Any, ...]) -> Any:
    """Return what of the arguments of a step decides about its trace: structure, shapes, dtypes."""
    leaves, treedef = jax.tree_util.tree_flatten(arguments)
    return treedef, [_kind(leaf) for leaf in leaves]


def _kind(leaf: Any) -> Any:
    return jnp.shape(leaf), getattr(leaf, "dtype", type(leaf)), getattr(leaf, "weak_type", False)
