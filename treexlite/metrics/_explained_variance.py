"""`R2Score` and `ExplainedVariance`: which part of the spread of the targets is predicted.

What flows in: targets and predictions, perhaps of several outputs. What flows out: one number, or
one for each output. What may mutate: the moments of targets and errors.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import unknown_name
from treexlite._samples import On
from treexlite.metrics import _sums
from treexlite.metrics._moment_metric import MomentMetric, total_weight
from treexlite.metrics._numbers import paired_outputs

Multioutput: TypeAlias = Literal["uniform_average", "raw_values", "variance_weighted"]
MULTIOUTPUTS = ("uniform_average", "raw_values", "variance_weighted")


class ExplainedVariance(MomentMetric):
    """The part of the variance of the targets that is explained: 1 - Var(t - p) / Var(t).

    A constant error costs nothing here; `R2Score` counts it.

    Args:
        num_outputs: the number of outputs, each of which is measured by itself.
        multioutput: what becomes of several outputs: their mean ("uniform_average"), one value for
            each ("raw_values"), or the mean weighted by the variances of their targets
            ("variance_weighted"), which is the mean where all of these are 0.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch, ..., num_outputs); without the last axis when there is one output.
        sample_weight: the first axes of (batch, ...).
        returns: (); (num_outputs,) for "raw_values".

    State:
        weight, mean, products: the moments of targets and errors, as in `MomentMetric`.

    Returns:
        A float32 number of at most 1; NaN when nothing was seen. Where targets do not vary, it is
        1 when errors do not vary either, else 0.

    Raises:
        UnknownNameError: `multioutput` is none of the three.
        ArgumentError: `num_outputs` is not a whole number above 0; `target` or `preds` is missing.
        ShapeError: the shapes differ, or do not end in `num_outputs`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> metric = tx.metrics.ExplainedVariance()
        >>> float(metric(jnp.array([1.0, 2.0, 3.0]), jnp.array([2.0, 3.0, 4.0])))
        1.0
        >>> float(metric(jnp.array([1.0, 2.0, 3.0]), jnp.array([2.0, 2.0, 2.0])))
        0.0

    Reference:
        `sklearn.metrics.explained_variance_score`.
    """

    num_variables = 2
    pairs = ((0, 0), (1, 1))

    multioutput: Multioutput

    def __init__(
        self,
        num_outputs: int = 1,
        *,
        multioutput: Multioutput = "uniform_average",
        on: On = None,
        name: str | None = None,
    ) -> None:
        if multioutput not in MULTIOUTPUTS:
            where = type(self).__name__
            raise unknown_name(where, "a way to join outputs", str(multioutput), MULTIOUTPUTS)
        self.multioutput = multioutput
        super().__init__(num_outputs, on=on, name=name)

    def variables(self, target: Any, preds: Any) -> jax.Array:
        """Return targets and errors, (2, batch, ..., num_outputs)."""
        target, preds = paired_outputs(type(self).__name__, target, preds, self.num_outputs)
        return jnp.stack([target, target - preds])

    def compute(self) -> jax.Array:
        """Return the explained part over all data since `reset`."""
        weight = total_weight(self.moments)
        spread = _sums.value(self.products)[0] / weight
        left = self._left(weight)
        share = 1 - left / jnp.where(spread == 0, 1, spread)
        no_spread = jnp.where(left == 0, 1.0, 0.0)
        values = jnp.where(spread == 0, no_spread, share)
        if self.multioutput == "raw_values":
            return values
        if self.multioutput == "uniform_average":
            return jnp.mean(values)
        total = jnp.sum(spread)
        weighted = jnp.sum(values * spread) / jnp.where(total == 0, 1, total)
        return jnp.where(total == 0, jnp.mean(values), weighted)

    def _left(self, weight: jax.Array) -> jax.Array:
        """Return what is not explained, for each output."""
        return _sums.value(self.products)[1] / weight


class R2Score(ExplainedVariance):
    """The coefficient of determination: 1 - sum(w * (t - p)²) / sum(w * (t - mean(t))²).

    1 is perfect, 0 is as good as the mean of the targets, and there is no lower bound.

    Args:
        num_outputs: as in `ExplainedVariance`.
        multioutput: as in `ExplainedVariance`.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `ExplainedVariance`.
        returns: (); (num_outputs,) for "raw_values".

    State:
        weight, mean, products: the moments of targets and errors, as in `MomentMetric`.

    Returns:
        A float32 number of at most 1; NaN when nothing was seen. Where targets do not vary, it is
        1 when there is no error, else 0.

    Raises:
        UnknownNameError, ArgumentError, ShapeError: as in `ExplainedVariance`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> r2 = tx.metrics.R2Score()
        >>> target = jnp.array([0.0, 2.0, 4.0])
        >>> float(r2(target, jnp.array([0.0, 2.0, 2.0])))
        0.5
        >>> metric = tx.metrics.R2Score(num_outputs=2, multioutput="raw_values")
        >>> preds = jnp.stack([target, jnp.zeros(3)], axis=-1)
        >>> metric(jnp.stack([target, target], axis=-1), preds).tolist()
        [1.0, -1.5]

    Reference:
        `sklearn.metrics.r2_score`, but for a single example, where scikit-learn has NaN: there is
        no way to tell one example of weight 2 from two. `keras.metrics.R2Score` sums squares
        without their mean, and so loses all digits of targets far from 0.
    """

    def _left(self, weight: jax.Array) -> jax.Array:
        bias = _sums.value(self.mean)[1]
        return super()._left(weight) + jnp.square(bias)
