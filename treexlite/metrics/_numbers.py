"""Targets and predictions that are numbers: both there, of one shape, in float32 at least.

In: the `target` and `preds` of a metric between numbers. Out: two arrays that may be subtracted,
with the axis of their outputs where a metric tells outputs apart. Pure functions; `where` is the
name of the class that an error names.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, ShapeError


def is_finite_number(value: Any) -> bool:
    """Whether an option is a real number, and not infinite, NaN or a boolean."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def values_of(where: str, preds: Any) -> jax.Array:
    """Return plain values in float32.

    Raises:
        ArgumentError: there are none.
    """
    if preds is None:
        raise ArgumentError(
            where,
            expected="values to measure",
            received="neither `values` nor `preds`",
            fix="Call it with `values=...`.",
        )
    return jnp.asarray(preds, jnp.float32)


def paired(where: str, target: Any, preds: Any) -> tuple[jax.Array, jax.Array]:
    """Bring targets and predictions to one shape and one floating dtype.

    Shapes:
        target, preds: the same; one of the two may lack a last axis of size 1.

    Raises:
        ArgumentError: one of the two is missing.
        ShapeError: the shapes differ. They are never broadcast: (batch,) against (batch, 1) would
            compare every example with every other.
    """
    if target is None or preds is None:
        raise ArgumentError(
            where,
            expected="both `target` and `preds`",
            received=f"target={_presence(target)}, preds={_presence(preds)}",
            fix="Call it with `target=..., preds=...`.",
        )
    target, preds = jnp.asarray(target), jnp.asarray(preds)
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
    dtype = jnp.promote_types(jnp.promote_types(target.dtype, preds.dtype), jnp.float32)
    return target.astype(dtype), preds.astype(dtype)


def paired_outputs(
    where: str, target: Any, preds: Any, num_outputs: int
) -> tuple[jax.Array, jax.Array]:
    """Bring targets and predictions to the shape (batch, ..., num_outputs).

    Shapes:
        target, preds: (batch, ..., num_outputs); without the last axis when there is one output.

    Raises:
        ArgumentError: one of the two is missing.
        ShapeError: the shapes differ, or the last axis is not `num_outputs`.
    """
    target, preds = paired(where, target, preds)
    if num_outputs == 1 and target.ndim == 1:
        target, preds = target[:, None], preds[:, None]  # (batch,) -> (batch, 1)
    if target.ndim < 2 or target.shape[-1] != num_outputs:
        wanted = (
            "(batch,) or (batch, ..., 1)" if num_outputs == 1 else f"(batch, ..., {num_outputs})"
        )
        raise ShapeError(
            where,
            expected=f"`target` and `preds` of shape {wanted}, for num_outputs={num_outputs}",
            received=f"shape={target.shape}",
            fix="Set `num_outputs` to the size of the last axis, or flatten the numbers.",
        )
    return target, preds


def _presence(x: Any) -> str:
    return "None" if x is None else "given"
