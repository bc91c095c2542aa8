"""Which steps of a sequence count: masks and lengths, brought to one form."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import ArgumentError, RangeError, ShapeError, describe
from treexlite.nn._arguments import has_values


def step_mask(
    where: str, mask: Any, lengths: Any, batch_shape: tuple[int, ...], num_steps: int
) -> jax.Array | None:
    """Return `(*batch, time)` booleans, True for the steps that count; or None when all do.

    Args:
        where: the layer.
        mask: such booleans already, or None.
        lengths: how many steps at the beginning count, `(*batch,)` integers, or None.
        batch_shape: the batch axes of the sequences.
        num_steps: size of their time axis.

    Raises:
        ArgumentError: both are given, or their dtype is another one.
        ShapeError: their shape is another one.
        RangeError: a length is known to be negative, or above `num_steps`.
    """
    if mask is None and lengths is None:
        return None
    if mask is not None and lengths is not None:
        raise ArgumentError(
            where,
            expected="`mask` or `lengths`",
            received="both",
            fix="Pass one of them; `mask` can say everything that `lengths` can.",
        )
    if mask is not None:
        given: jax.Array = jnp.asarray(mask)
        _check(where, "mask", given, jnp.bool_, (*batch_shape, num_steps), "booleans")
        return given
    counts: jax.Array = jnp.asarray(lengths)
    _check(where, "lengths", counts, jnp.integer, batch_shape, "integers")
    _check_range(where, counts, num_steps)
    steps = jnp.arange(num_steps).reshape((1,) * len(batch_shape) + (num_steps,))
    return steps < counts[..., None]  # (*batch, time)


def _check(
    where: str, name: str, value: jax.Array, kind: Any, shape: tuple[int, ...], words: str
) -> None:
    if not jnp.issubdtype(value.dtype, kind):
        raise ArgumentError(
            where,
            expected=f"`{name}` to hold {words}",
            received=f"{name}={describe(value)}",
            fix=f"Convert it: `{name}.astype({'bool' if name == 'mask' else 'int'})`.",
        )
    if value.shape != shape:
        raise ShapeError(
            where,
            expected=f"`{name}` of shape {shape}, {_axes(name)} of `x`",
            received=f"{name}={describe(value)}",
            fix=f"Broadcast it first: `jnp.broadcast_to({name}, {shape})`.",
        )


def _check_range(where: str, counts: jax.Array, num_steps: int) -> None:
    if not has_values(counts):
        return
    values = np.asarray(counts)
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest > num_steps:
        raise RangeError(
            where,
            expected=f"`lengths` from 0 to {num_steps}, the size of the time axis",
            received=f"lengths={describe(counts)} with values from {lowest} to {highest}",
            fix="Pad the sequences to the longest one, or cut the lengths with `clip`.",
        )


def _axes(name: str) -> str:
    return "the batch axes and then the time axis" if name == "mask" else "the batch axes"
