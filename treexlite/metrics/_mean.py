"""`Mean`: the weighted mean of values, and the base of all metrics that are one."""

from __future__ import annotations

from typing import Any, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._errors import ArgumentError
from treexlite._samples import align_weights
from treexlite.metrics import _sums
from treexlite.metrics._metric import Metric


class Mean(Metric):
    """The mean of values: sum(w * values) / sum(w), over all batches; all w are 1 without weights.

    A metric that is a mean of something else per example derives from this class and defines
    `per_example`.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds): any, first axis batch; each number counts once, with the weight of its
            example.
        sample_weight: the first axes of `values`.

    State:
        total: the weighted sum of the values, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise; the number of values without weights.

    Returns:
        A float32 number; NaN when nothing, or nothing but weights of 0, was seen.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> mean = tx.metrics.Mean()
        >>> [float(mean(values=jnp.array(batch))) for batch in ([1.0, 2.0, 3.0], [10.0])]
        [2.0, 10.0]
        >>> float(mean.compute())
        4.0
    """

    total: jax.Array = MetricState.node()
    count: jax.Array = MetricState.node()

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.total = _sums.empty()
        self.count = _sums.empty()
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the values of a batch."""
        values = self.per_example(target, preds)
        if sample_weight is None:
            total, count = _sums.of(values), _sums.of_ones(values.size)
        else:
            where = type(self).__name__
            weights = align_weights(where, sample_weight, values.shape, jnp.float32)
            total = _sums.of(jnp.where(weights == 0, 0, values * weights))
            count = _sums.of(weights)
        self.total, self.count = _sums.add(self.total, total), _sums.add(self.count, count)

    def absorb(self, other: Self) -> None:
        """Add what `other` has seen."""
        self.total = _sums.add(self.total, other.total)
        self.count = _sums.add(self.count, other.count)

    def compute(self) -> jax.Array:
        """Return the mean over all data since `reset`."""
        return _sums.value(self.total) / _sums.value(self.count)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the values whose mean is taken, (batch, ...); here they are `preds` themselves."""
        if preds is None:
            raise ArgumentError(
                type(self).__name__,
                expected="values to take the mean of",
                received="neither `values` nor `preds`",
                fix="Call it with `values=...`.",
            )
        return jnp.asarray(preds, jnp.float32)
