"""Looking ids up in a table: which are allowed, and what becomes of the others.

In: integer ids of any shape, and a table `(entries, features)`. Out: `(..., features)`. Ids outside
the table are refused where they have values; inside a transformation their vectors are NaN.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import ArgumentError, RangeError, describe
from treexlite.nn._arguments import has_values, is_int


def check_ids(where: str, name: str, ids: Any, entries: int, fix: str) -> jax.Array:
    """Return `ids` as an array; refuse those that are known to be outside the table.

    Args:
        where: the layer that asks.
        name: what the user calls them.
        ids: what the user passed.
        entries: how many there are.
        fix: what to do about an id that is too large.

    Raises:
        ArgumentError: `ids` are no integers.
        RangeError: one is negative, or not below `entries`.
    """
    ids = ids if isinstance(ids, jax.Array) else np.asarray(ids)
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        raise ArgumentError(
            where,
            expected=f"integer `{name}`",
            received=f"{name}={describe(ids)}",
            fix="Convert them with `ids.astype(int)`.",
        )
    if has_values(ids):
        values = np.asarray(ids)
        lowest, highest = int(values.min()), int(values.max())
        if lowest < 0 or highest >= entries:
            raise RangeError(
                where,
                expected=f"`{name}` from 0 to {entries - 1}",
                received=f"{name}={describe(ids)} with values from {lowest} to {highest}",
                fix=fix,
            )
    return jnp.asarray(ids)


def look_up(table: jax.Array, ids: jax.Array) -> jax.Array:
    """Return the rows of `table` that `ids` name; NaN for ids that name none."""
    if ids.dtype.itemsize < 4:
        ids = ids.astype(jnp.int32)  # which has a number for "not in the table"
    ids = jnp.where(ids < 0, table.shape[0], ids)  # NumPy would count from the end
    return jnp.take(table, ids, axis=0, mode="fill", fill_value=jnp.nan)


def padding_entry(where: str, value: Any, entries: int) -> int | None:
    """Return the argument `padding_id`, an entry of the table or None.

    Raises:
        ArgumentError: it is neither.
    """
    if value is not None and not (is_int(value) and 0 <= value < entries):
        raise ArgumentError(
            where,
            expected=f"`padding_id` to be an id from 0 to {entries - 1}, or None",
            received=f"padding_id={describe(value)}",
            fix="Reserve an entry of the table for padding.",
        )
    return None if value is None else int(value)
