"""`PearsonCorrelation` and `ConcordanceCorrelation` of targets and predictions.

What flows in: targets and predictions, perhaps of several outputs. What flows out: one number, or
one for each output. What may mutate: the moments of both.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from treexlite.metrics import _sums
from treexlite.metrics._moment_metric import MomentMetric, total_weight
from treexlite.metrics._moments import Products
from treexlite.metrics._numbers import paired_outputs


class PearsonCorrelation(MomentMetric):
    """The linear correlation of targets and predictions: Cov(t, p) / (Std(t) * Std(p)).

    Args:
        num_outputs: the number of outputs, each of which is measured by itself.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch, ..., num_outputs); without the last axis when there is one output.
        sample_weight: the first axes of (batch, ...).
        returns: () for one output, (num_outputs,) for several.

    State:
        weight, mean, products: the moments of targets and predictions, as in `MomentMetric`.

    Returns:
        A float32 number from -1 to 1; NaN when nothing was seen, or when targets or predictions do
        not vary.

    Raises:
        ArgumentError: `num_outputs` is not a whole number above 0; `target` or `preds` is missing.
        ShapeError: the shapes differ, or do not end in `num_outputs`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> pearson = tx.metrics.PearsonCorrelation()
        >>> float(pearson(jnp.array([1.0, 2.0, 3.0]), jnp.array([9.0, 7.0, 5.0])))
        -1.0

    Reference:
        `scipy.stats.pearsonr`; `torchmetrics.PearsonCorrCoef`, which takes no weights.
    """

    num_variables = 2
    pairs: ClassVar[Products] = ((0, 0), (1, 1), (0, 1))

    def variables(self, target: Any, preds: Any) -> jax.Array:
        """Return targets and predictions, (2, batch, ..., num_outputs)."""
        where = type(self).__name__
        return jnp.stack(paired_outputs(where, target, preds, self.num_outputs))

    def compute(self) -> jax.Array:
        """Return the correlation over all data since `reset`."""
        in_target, in_preds, in_both = _sums.value(self.products)
        values = in_both / (jnp.sqrt(in_target) * jnp.sqrt(in_preds))  # 0 / 0 where none varies
        return self._joined(jnp.clip(values, -1, 1))

    def _joined(self, values: jax.Array) -> jax.Array:
        return values[0] if self.num_outputs == 1 else values


class ConcordanceCorrelation(PearsonCorrelation):
    """Lin's concordance: how far the predictions *are* the targets, not just follow them.

    2 * Cov(t, p) / (Var(t) + Var(p) + (mean(t) - mean(p))²), with variances and covariance over the
    number of examples.

    Args:
        num_outputs: as in `PearsonCorrelation`.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `PearsonCorrelation`.
        returns: () for one output, (num_outputs,) for several.

    State:
        weight, mean, products: the moments of targets and predictions, as in `MomentMetric`.

    Returns:
        A float32 number from -1 to 1, 1 only where all are equal; NaN when nothing was seen, or
        when all targets and predictions are one and the same number.

    Raises:
        ArgumentError, ShapeError: as in `PearsonCorrelation`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> concordance = tx.metrics.ConcordanceCorrelation()
        >>> target = jnp.array([1.0, 2.0, 3.0])
        >>> float(concordance(target, target)), round(float(concordance(target, target + 1)), 4)
        (1.0, 0.5714)

    Reference:
        Lin, "A concordance correlation coefficient to evaluate reproducibility" (1989), who divides
        by the number of examples; `torchmetrics.ConcordanceCorrCoef` divides by one less.
    """

    def compute(self) -> jax.Array:
        """Return the concordance over all data since `reset`."""
        weight = total_weight(self.moments)
        in_target, in_preds, in_both = _sums.value(self.products)
        apart = _sums.value(_sums.add(self.mean[:, 0], -self.mean[:, 1]))
        spread = in_target + in_preds + weight * jnp.square(apart)
        return self._joined(jnp.clip(2 * in_both / spread, -1, 1))
