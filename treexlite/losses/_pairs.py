"""Targets and predictions that are compared number by number: shapes that fit, enough precision.

Pure functions for the formulas of this room; nothing is mutated. `where` is the name of the
function that an error names. Shapes are never broadcast in silence: (batch,) against (batch, 1)
would compare every example with every other.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import RangeError, ShapeError


def in_single(x: jax.Array) -> jax.Array:
    """Bring an array to a floating dtype, at least float32: half precision loses small errors."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def alike(where: str, target: jax.Array, preds: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Bring targets and predictions to one shape and one floating dtype.

    One of the two may lack a last axis of size 1.

    Raises:
        ShapeError: the shapes differ in another way.
    """
    if preds.shape == (*target.shape, 1):
        target = target[..., None]  # (batch,) -> (batch, 1)
    elif target.shape == (*preds.shape, 1):
        preds = preds[..., None]
    if target.shape != preds.shape:
        raise ShapeError(
            where,
            expected="`target` and `preds` of the same shape",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Reshape the targets, or change the number of outputs of the model.",
        )
    preds = in_single(preds)
    return target.astype(preds.dtype), preds


def alike_vectors(where: str, target: jax.Array, preds: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return targets and predictions whose last axis is one thing, such as a distribution.

    Raises:
        ShapeError: the shapes differ, or there is no last axis.
    """
    if target.shape != preds.shape or preds.ndim == 0:
        raise ShapeError(
            where,
            expected="`target` and `preds` of the same shape, (batch, ..., features)",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Make all axes equal; the last one is compared as a whole.",
        )
    preds = in_single(preds)
    return target.astype(preds.dtype), preds


def mean_of_features(values: jax.Array) -> jax.Array:
    """Average the last axis, unless it is the only one: that holds examples."""
    return jnp.mean(values, axis=-1) if values.ndim > 1 else values


def check_between(where: str, target: jax.Array, low: float, high: float, fix: str) -> None:
    """Refuse targets outside [low, high], as far as they can be seen: traced ones cannot.

    Raises:
        RangeError: a target is below `low` or above `high`, or is NaN.
    """
    if isinstance(target, jax.core.Tracer) or target.size == 0:
        return
    values = np.asarray(target)  # JAX would trace the minimum of what a trace closes over
    if not (values.min() >= low and values.max() <= high):
        raise RangeError(
            where,
            expected=f"`target` from {low:g} to {high:g}",
            received=f"values from {values.min()} to {values.max()}",
            fix=fix,
        )


def nan_outside(values: jax.Array, target: jax.Array, low: float, high: float) -> jax.Array:
    """Put NaN where a target is outside [low, high], so that traced ones cannot go unnoticed."""
    return jnp.where((target >= low) & (target <= high), values, jnp.nan)
