"""Means of errors between numbers: how far predictions are from targets.

What flows in: targets and predictions of one shape, perhaps with weights. What flows out: one
number. What may mutate: the state of the metric. Every number counts once, with the weight of its
example, so a metric equals the mean of the loss of the same name over all data.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe
from treexlite._samples import On
from treexlite.metrics._mean import Mean
from treexlite.metrics._numbers import is_finite_number, paired


class MeanSquaredError(Mean):
    """The mean of the squared differences: mean of (target - preds)².

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch, ..., features), or (batch,). One of the two may lack a last axis of
            size 1.
        sample_weight: the first axes of those.

    State:
        total: the weighted sum of the squares, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number; NaN when nothing was seen.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: their shapes differ; they are never broadcast.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> mse = tx.metrics.MeanSquaredError()
        >>> float(mse(jnp.array([0.0, 1.0]), jnp.array([1.0, 3.0])))
        2.5
        >>> float(mse(jnp.array([0.0]), jnp.array([2.0])))
        4.0
        >>> float(mse.compute())
        3.0

    Reference:
        `sklearn.metrics.mean_squared_error` and `keras.metrics.MeanSquaredError`.
    """

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the squared differences, (batch, ...)."""
        target, preds = paired(type(self).__name__, target, preds)
        return jnp.square(preds - target)


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of the squared differences, over all data.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `MeanSquaredError`.

    State:
        total, count: as in `MeanSquaredError`.

    Returns:
        A float32 number; NaN when nothing was seen. The root is taken last: the root over all data
        is not the mean of the roots of the batches.

    Raises:
        ArgumentError, ShapeError: as in `MeanSquaredError`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> rmse = tx.metrics.RootMeanSquaredError()
        >>> float(rmse(jnp.array([0.0, 0.0]), jnp.array([3.0, 3.0])))
        3.0

    Reference:
        `sklearn.metrics.root_mean_squared_error` for one output; for several it averages the roots
        of the outputs. `keras.metrics.RootMeanSquaredError`.
    """

    def compute(self) -> jax.Array:
        """Return the root over all data since `reset`."""
        return jnp.sqrt(super().compute())


class MeanAbsoluteError(Mean):
    """The mean of the absolute differences: mean of |target - preds|.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `MeanSquaredError`.

    State:
        total: the weighted sum of the absolute differences, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number; NaN when nothing was seen.

    Raises:
        ArgumentError, ShapeError: as in `MeanSquaredError`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> mae = tx.metrics.MeanAbsoluteError()
        >>> float(mae(jnp.array([0.0, 1.0]), jnp.array([1.0, 3.0])))
        1.5

    Reference:
        `sklearn.metrics.mean_absolute_error` and `keras.metrics.MeanAbsoluteError`.
    """

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the absolute differences, (batch, ...)."""
        target, preds = paired(type(self).__name__, target, preds)
        return jnp.abs(preds - target)


class MeanAbsolutePercentageError(Mean):
    """The mean of the differences in percent: 100 * mean of |target - preds| / max(|target|, ε).

    Args:
        epsilon: ε, so that targets of 0 do not divide by 0; above 0.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `MeanSquaredError`.

    State:
        total: the weighted sum of the percentages, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number, 100 where predictions are off by as much as the targets; NaN when nothing
        was seen.

    Raises:
        ArgumentError: `epsilon` is not a finite number above 0; or as in `MeanSquaredError`.
        ShapeError: as in `MeanSquaredError`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> mape = tx.metrics.MeanAbsolutePercentageError()
        >>> float(mape(jnp.array([1.0, 4.0]), jnp.array([2.0, 3.0])))
        62.5

    Reference:
        `keras.metrics.MeanAbsolutePercentageError`. scikit-learn and torchmetrics have the name and
        the share, a hundredth of it.
    """

    epsilon: float

    def __init__(self, *, epsilon: float = 1e-7, on: On = None, name: str | None = None) -> None:
        if not is_finite_number(epsilon) or epsilon <= 0:
            raise ArgumentError(
                type(self).__name__,
                expected="`epsilon` to be a finite number above 0",
                received=f"epsilon={describe(epsilon)}",
                fix="Pass the size below which a target counts as small, for example 1e-7.",
            )
        self.epsilon = float(epsilon)
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the differences in percent of the targets, (batch, ...)."""
        target, preds = paired(type(self).__name__, target, preds)
        return 100 * jnp.abs((preds - target) / jnp.maximum(jnp.abs(target), self.epsilon))


class MeanSquaredLogarithmicError(Mean):
    """The mean of (log(1 + target) - log(1 + preds))², for numbers that grow by factors.

    Args:
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `MeanSquaredError`; not below -1.

    State:
        total: the weighted sum of the squares, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number; NaN when nothing was seen, or when a number is below -1.

    Raises:
        ArgumentError, ShapeError: as in `MeanSquaredError`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> msle = tx.metrics.MeanSquaredLogarithmicError()
        >>> round(float(msle(jnp.array([0.0, 3.0]), jnp.array([1.0, 3.0]))), 4)
        0.2402

    Reference:
        `sklearn.metrics.mean_squared_log_error`, which refuses numbers below -1. Keras raises
        negative numbers to 1e-7 in silence, and adds 1e-7 to zeros.
    """

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the squared differences of the logarithms, (batch, ...)."""
        target, preds = paired(type(self).__name__, target, preds)
        return jnp.square(jnp.log1p(preds) - jnp.log1p(target))
