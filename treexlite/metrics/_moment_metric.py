"""`MomentMetric`: the base of all metrics that follow from means, variances and covariances.

What flows in: for each example some variables, such as target and prediction. What flows out: a
value of their moments. What may mutate: the moments, in `update`, `absorb` and `reset`.
"""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._arguments import is_integer
from treexlite._core import MetricState
from treexlite._errors import ArgumentError, describe
from treexlite._samples import On, align_weights
from treexlite.metrics import _moments, _sums
from treexlite.metrics._metric import Metric
from treexlite.metrics._moments import Moments, Products


class MomentMetric(Metric):
    """Base of the metrics of moments; see `_moments` for what they are.

    A new one says in `num_variables` and `products` which moments it needs, returns its variables
    from `variables` and computes its value from `self.moments`.

    Args:
        num_outputs: how many outputs are measured side by side, each by itself.
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        weight: the sum of the weights, (2,), as `_sums` keeps it.
        mean: the means, (2, variables, outputs), likewise.
        products: the sums of centred products, (2, products, outputs), likewise.

    Raises:
        ArgumentError: `num_outputs` is not a whole number above 0.
    """

    num_variables: ClassVar[int] = 1
    pairs: ClassVar[Products] = ((0, 0),)

    weight: jax.Array = MetricState.node()
    mean: jax.Array = MetricState.node()
    products: jax.Array = MetricState.node()
    num_outputs: int

    def __init__(self, num_outputs: int = 1, *, on: On = None, name: str | None = None) -> None:
        if not is_integer(num_outputs) or num_outputs < 1:
            raise ArgumentError(
                type(self).__name__,
                expected="`num_outputs` to be a whole number above 0",
                received=f"num_outputs={describe(num_outputs)}",
                fix="Pass the size of the last axis of the predictions.",
            )
        self.num_outputs = int(num_outputs)
        super().__init__(on=on, name=name)

    @property
    def moments(self) -> Moments:
        """The moments of all data since `reset`."""
        return Moments(self.weight, self.mean, self.products)

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self._set(_moments.empty(self.num_variables, len(self.pairs), self.num_outputs))
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add a batch."""
        x = self.variables(target, preds)
        weights = None
        if sample_weight is not None:
            where = type(self).__name__
            weights = align_weights(where, sample_weight, x.shape[1:-1], jnp.float32).ravel()
        x = x.reshape(self.num_variables, -1, self.num_outputs)
        self._add(_moments.of(x, weights, self.pairs))

    def absorb(self, other: Self) -> None:
        """Add what `other` has seen."""
        self._add(other.moments)

    @abc.abstractmethod
    def variables(self, target: Any, preds: Any) -> jax.Array:
        """Return what the moments are of, (variables, batch, ..., outputs)."""

    def _add(self, moments: Moments) -> None:
        self._set(_moments.merge(self.moments, moments, self.pairs))

    def _set(self, moments: Moments) -> None:
        self.weight, self.mean, self.products = moments


def total_weight(moments: Moments) -> jax.Array:
    """Return the sum of the weights, (); NaN when it is 0, so that no data gives NaN."""
    weight = _sums.value(moments.weight)
    return jnp.where(weight == 0, jnp.nan, weight)
