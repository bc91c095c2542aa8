"""`Variance` and `Std` of plain values.

What flows in: values, perhaps with weights. What flows out: one number. What may mutate: the state
of the metric.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe
from treexlite._samples import On
from treexlite.metrics import _sums
from treexlite.metrics._moment_metric import MomentMetric
from treexlite.metrics._numbers import is_finite_number, values_of


class Variance(MomentMetric):
    """The variance of values: sum(w * (values - mean)²) / (sum(w) - ddof), over all batches.

    Exact at any offset: see `_moments`.

    Args:
        ddof: what is subtracted from the number of values. 0 is the variance of these values, and
            what NumPy has; 1 makes it an unbiased guess of the variance that they were drawn from,
            when the weights say how often each value occurred.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds): any, first axis batch; each number counts once, with the weight of its
            example.
        sample_weight: the first axes of `values`.

    State:
        weight, mean, products: the moments of the values, as in `MomentMetric`.

    Returns:
        A float32 number; NaN when the weights do not sum to more than `ddof`.

    Raises:
        ArgumentError: `ddof` is not a finite number of at least 0, or there are no values.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> variance = tx.metrics.Variance()
        >>> [float(variance(values=jnp.array(batch))) for batch in ([1.0, 3.0], [2.0, 6.0])]
        [1.0, 4.0]
        >>> float(variance.compute())
        3.5

    Reference:
        `numpy.var`; weights and `ddof` together as `numpy.cov(..., fweights=w, ddof=ddof)`.
    """

    ddof: float

    def __init__(self, ddof: float = 0, *, on: On = None, name: str | None = None) -> None:
        if not is_finite_number(ddof) or ddof < 0:
            raise ArgumentError(
                type(self).__name__,
                expected="`ddof` to be a finite number of at least 0",
                received=f"ddof={describe(ddof)}",
                fix="Pass 0 for the variance of the values, 1 for an unbiased guess.",
            )
        self.ddof = float(ddof)
        super().__init__(on=on, name=name)

    def variables(self, target: Any, preds: Any) -> jax.Array:
        """Return the values, (1, batch, ..., 1)."""
        return values_of(type(self).__name__, preds)[None, ..., None]

    def compute(self) -> jax.Array:
        """Return the variance over all data since `reset`."""
        freedom = _sums.value(self.weight) - self.ddof
        squares = _sums.value(self.products)[0, 0]
        return squares / jnp.where(freedom > 0, freedom, jnp.nan)


class Std(Variance):
    """The standard deviation of values: the square root of their `Variance`.

    Args:
        ddof: as in `Variance`.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds), sample_weight: as in `Variance`.

    State:
        weight, mean, products: the moments of the values, as in `MomentMetric`.

    Returns:
        A float32 number; NaN when the weights do not sum to more than `ddof`.

    Raises:
        ArgumentError: as in `Variance`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> std = tx.metrics.Std()
        >>> [float(std(values=jnp.array(batch))) for batch in ([1.0, 3.0], [1.0, 3.0])]
        [1.0, 1.0]
        >>> round(float(tx.metrics.Std(ddof=1)(values=jnp.array([1.0, 3.0]))), 4)
        1.4142

    Reference:
        `numpy.std`.
    """

    def compute(self) -> jax.Array:
        """Return the standard deviation over all data since `reset`."""
        return jnp.sqrt(super().compute())
