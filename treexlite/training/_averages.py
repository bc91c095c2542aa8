"""`Averages`: what the steps of an epoch return, averaged on the device.

What flows in: for each step a dict of numbers and the weight of its examples. What flows out: one
mean for each name. What may mutate: the sums, by `update` and `reset`.

The numbers lie in one vector, in the order of their sorted names, with room to spare. So the
structure of a compiled step does not depend on names, which are known only when it has been traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import MetricState, Module
from treexlite._core._registry import is_numeric
from treexlite._errors import ArgumentError, describe
from treexlite.metrics import _sums

ROOM = 16


class Averages(Module):
    """Weighted means: sum(weight * value) / sum(weight) for each name.

    State:
        totals: the weighted sums, (2, room), each a pair as `treexlite.metrics._sums` keeps it.
        weight: the sum of the weights, likewise, (2,).
    """

    totals: jax.Array = MetricState.node()
    weight: jax.Array = MetricState.node()

    def __init__(self) -> None:
        self.totals = jnp.zeros((2, ROOM), jnp.float32)
        self.weight = _sums.empty()

    def reset(self) -> None:
        """Forget all values."""
        self.totals = jnp.zeros_like(self.totals)
        self.weight = _sums.empty()

    def update(self, values: Mapping[str, Any], weight: Any) -> None:  # type: ignore[override]  # a module's `update` merges
        """Add the values of one step.

        Raises:
            ArgumentError: a value is no number.
        """
        row = row_of(values)
        weight = jnp.asarray(weight, jnp.float32)
        if len(row) > self.totals.shape[1]:  # compiles once more, with more room
            self.totals = jnp.pad(self.totals, ((0, 0), (0, len(row) - self.totals.shape[1])))
        if row:
            weighted = jnp.where(weight == 0, 0, jnp.stack(row) * weight)
            weighted = jnp.pad(weighted, (0, self.totals.shape[1] - len(row)))
            self.totals = _sums.add(self.totals, jnp.stack([weighted, jnp.zeros_like(weighted)]))
        self.weight = _sums.add(self.weight, jnp.stack([weight, jnp.zeros_like(weight)]))

    def compute(self) -> jax.Array:
        """Return the means, in the order of the sorted names; NaN when nothing was seen."""
        return _sums.value(self.totals) / _sums.value(self.weight)


def row_of(values: Mapping[str, Any]) -> list[jax.Array]:
    """Return the numbers of one step in the order of their names.

    Raises:
        ArgumentError: a value is no number.
    """
    return [_number(name, values[name]) for name in sorted(values)]


def _number(name: str, value: Any) -> jax.Array:
    number = jnp.asarray(value) if is_numeric(value) else None
    if number is None or number.ndim or jnp.issubdtype(number.dtype, jnp.complexfloating):
        raise ArgumentError(
            "train_step",
            expected="logs that are numbers, one for each name",
            received=f"{name}={describe(value)}",
            fix="Reduce it, for example with `.mean()`.",
        )
    return number.astype(jnp.float32)
