"""`Sum`, `Min` and `Max` of plain values.

What flows in: values, perhaps with weights. What flows out: one number. What may mutate: the state
of the metric. `Mean` and `Variance` have files of their own.
"""

from __future__ import annotations

from typing import Any, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._samples import align_weights
from treexlite.metrics import _sums
from treexlite.metrics._metric import Metric
from treexlite.metrics._numbers import values_of


class Sum(Metric):
    """The sum of values: sum(w * values), over all batches; all w are 1 without weights.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds): any, first axis batch.
        sample_weight: the first axes of `values`.

    State:
        total: the weighted sum of the values, (2,), as `_sums` keeps it.

    Returns:
        A float32 number; 0 when nothing was seen, which is the sum of nothing.

    Raises:
        ArgumentError: there are no values.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> total = tx.metrics.Sum()
        >>> [float(total(values=jnp.array(batch))) for batch in ([1.0, 2.0], [4.0])]
        [3.0, 4.0]
        >>> float(total.compute())
        7.0

    Reference:
        `keras.metrics.Sum`, which keeps one float32 number: its counts stop at 2**24.
    """

    total: jax.Array = MetricState.node()

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.total = _sums.empty()
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the values of a batch."""
        where = type(self).__name__
        values = values_of(where, preds)
        if sample_weight is not None:
            weights = align_weights(where, sample_weight, values.shape, jnp.float32)
            values = jnp.where(weights == 0, 0, values * weights)
        self.total = _sums.add(self.total, _sums.of(values))

    def absorb(self, other: Self) -> None:
        """Add what `other` has seen."""
        self.total = _sums.add(self.total, other.total)

    def compute(self) -> jax.Array:
        """Return the sum over all data since `reset`."""
        return _sums.value(self.total)


class Max(Metric):
    """The largest of all values.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds): any, first axis batch.
        sample_weight: the first axes of `values`; values of weight 0 are absent, the other weights
            make no difference.

    State:
        extreme: the largest value so far, (); minus infinity at first.
        seen: whether there was any, ().

    Returns:
        A float32 number; NaN when nothing was seen, or when one of the values is NaN.

    Raises:
        ArgumentError: there are no values.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> largest = tx.metrics.Max()
        >>> [float(largest(values=jnp.array(batch))) for batch in ([1.0, 5.0], [3.0, 2.0])]
        [5.0, 3.0]
        >>> float(largest.compute())
        5.0

    Reference:
        `torchmetrics.MaxMetric`, which drops NaN with a warning unless told otherwise.
    """

    extreme: jax.Array = MetricState.node()
    seen: jax.Array = MetricState.node()

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.extreme = jnp.array(-jnp.inf, jnp.float32)
        self.seen = jnp.array(False)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Compare with the values of a batch."""
        where = type(self).__name__
        values = values_of(where, preds)
        present = jnp.ones(values.shape, bool)
        if sample_weight is not None:
            present = align_weights(where, sample_weight, values.shape, jnp.float32) != 0
        self._extend(self._largest(values, present), jnp.any(present))

    def absorb(self, other: Self) -> None:
        """Compare with what `other` has seen."""
        self._extend(other.extreme, other.seen)

    def compute(self) -> jax.Array:
        """Return the extreme over all data since `reset`."""
        return jnp.where(self.seen, self.extreme, jnp.nan)

    def _largest(self, values: jax.Array, present: jax.Array) -> jax.Array:
        return jnp.max(values, initial=-jnp.inf, where=present)

    def _extend(self, extreme: jax.Array, seen: jax.Array) -> None:
        self.extreme = jnp.maximum(self.extreme, extreme)
        self.seen = self.seen | seen


class Min(Max):
    """The smallest of all values.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds), sample_weight: as in `Max`.

    State:
        extreme: the smallest value so far, with its sign changed, (); minus infinity at first.
        seen: whether there was any, ().

    Returns:
        A float32 number; NaN when nothing was seen, or when one of the values is NaN.

    Raises:
        ArgumentError: there are no values.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> smallest = tx.metrics.Min()
        >>> [float(smallest(values=jnp.array(batch))) for batch in ([1.0, 5.0], [3.0, 2.0])]
        [1.0, 2.0]
        >>> float(smallest.compute())
        1.0

    Reference:
        `torchmetrics.MinMetric`, which drops NaN with a warning unless told otherwise.
    """

    def compute(self) -> jax.Array:
        """Return the extreme over all data since `reset`."""
        return -super().compute()

    def _largest(self, values: jax.Array, present: jax.Array) -> jax.Array:
        return super()._largest(-values, present)
