"""`Records`: what each single step logged, kept on the device until somebody reads it.

What flows in: for each step a dict of numbers. What flows out: rows of numbers, in the order of the
sorted names. What may mutate: the rows and their count, by `update` and `reset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import MetricState, Module
from treexlite.training._averages import ROOM, row_of

CAPACITY = 512  # steps


class Records(Module):
    """The numbers of the last steps.

    State:
        rows: one for each step, (CAPACITY, room), float32.
        count: how many rows are filled, int32.
    """

    rows: jax.Array = MetricState.node()
    count: jax.Array = MetricState.node()

    def __init__(self) -> None:
        self.rows = jnp.zeros((CAPACITY, ROOM), jnp.float32)
        self.count = jnp.zeros((), jnp.int32)

    def reset(self) -> None:
        """Forget all rows."""
        self.count = jnp.zeros_like(self.count)

    def update(self, values: Mapping[str, Any]) -> None:  # type: ignore[override]  # a module's `update` merges
        """Add a row; there must be room for it."""
        row = row_of(values)
        if len(row) > self.rows.shape[1]:  # compiles once more, with more room
            self.rows = jnp.pad(self.rows, ((0, 0), (0, len(row) - self.rows.shape[1])))
        if row:
            start = (self.count, jnp.zeros((), jnp.int32))
            self.rows = jax.lax.dynamic_update_slice(self.rows, jnp.stack(row)[None], start)
        self.count = self.count + 1
