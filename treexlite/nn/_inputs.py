"""Inputs: what a layer is called with, brought to one array.

In: what the caller passed: an array of JAX or NumPy, a number, or nested lists of numbers. Out: a
JAX array, or an error that names the layer. Several arrays are refused, and not stacked: they are
the pair of a layer that returns two, passed on by mistake, and the result would be a wrong one.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import ArgumentError, describe


def as_array(layer: Any, x: Any, name: str = "x") -> jax.Array:
    """Return `x`, the input `name` of `layer`, as an array.

    Raises:
        ArgumentError: it is several arrays, or no numbers.
    """
    if isinstance(x, jax.Array):
        return x
    if not isinstance(x, (tuple, list, dict)) or not any(map(np.ndim, jax.tree.leaves(x))):
        try:
            return jnp.asarray(x)
        except (TypeError, ValueError):
            pass  # what JAX says names neither the layer nor what to do
    several = isinstance(x, (tuple, list, dict))
    fix = "Pass an array of numbers."
    if several:
        fix = "Pass one of them: `y` of the pair `(state, y)` that some layers return."
    raise ArgumentError(
        type(layer).__name__,
        expected=f"`{name}` to be one array",
        received=f"{name}={_summary(x) if several else describe(x)}",
        fix=fix,
    )


def _summary(x: Any) -> str:
    parts = ", ".join(map(describe, jax.tree.leaves(x)[:3]))
    return f"a {type(x).__name__} of {len(x)}: {parts}"
