"""Flatten: many axes become one."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import is_int


class Flatten(Module):
    """Merge all axes but the batch into one axis of features.

    Args:
        num_batch_axes: how many leading axes stay; 0 for a single example, as under `vmap`.

    Shapes:
        x: `(batch, *rest)`; y: `(batch, product of rest)`. Without rest, y is `(batch, 1)`.

    State:
        None.

    Raises:
        ArgumentError: `num_batch_axes` is negative or no integer.
        ShapeError: `x` has fewer axes than that.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Flatten()(jnp.ones((8, 4, 4, 3))).shape
        (8, 48)
    """

    num_batch_axes: int = static()

    def __init__(self, *, num_batch_axes: int = 1) -> None:
        if not is_int(num_batch_axes) or num_batch_axes < 0:
            raise ArgumentError(
                type(self).__name__,
                expected="`num_batch_axes` to be an integer of at least 0",
                received=f"num_batch_axes={describe(num_batch_axes)}",
                fix="Pass 1 for batches, 0 for single examples.",
            )
        self.num_batch_axes = int(num_batch_axes)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        if x.ndim < self.num_batch_axes:
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` to have at least the {self.num_batch_axes} batch axes",
                received=f"x={describe(x)}",
                fix="Add a batch axis with `x[None]`, or set `num_batch_axes=0`.",
            )
        batch, rest = x.shape[: self.num_batch_axes], x.shape[self.num_batch_axes :]
        return x.reshape(*batch, math.prod(rest))  # (batch, features)
