"""`CalibrationError`: how far confidence is from being right that often.

What flows in: labels and probabilities. What flows out: the distance. What may mutate: the sums
over each bin of confidences, in `update`, `absorb` and `reset`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._samples import On, align_weights
from treexlite.metrics import _sums
from treexlite.metrics._arguments import both, one_of, whole
from treexlite.metrics._metric import Metric
from treexlite.metrics._probabilities import at_label, is_yes_or_no, of_classes

Norm = Literal["l1", "l2", "max"]


class CalibrationError(Metric):
    """The distance between confidence and accuracy, in bins of confidence.

        l1:   sum over bins of share · |accuracy - confidence|, the expected calibration error
        l2:   sqrt(sum over bins of share · (accuracy - confidence)²)
        max:  the largest |accuracy - confidence|, the maximum calibration error

    where accuracy and confidence are weighted means over the examples of a bin, and share is the
    bin's part of all weights. The confidence is the highest probability, and an example is accurate
    when its class is the true one. Given one score per example, the confidence is that score, and
    an example is accurate when its label is 1.

    Args:
        num_bins: into how many bins of equal width [0, 1] is cut; the lower edge belongs to a bin,
            and 1 to the last one. Few bins hide errors, many are noisy.
        norm: "l1", "l2" or "max".
        from_logits: whether `preds` are logits. False, because a probability outside of [0, 1] can
            be noticed.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ...) for labels, (batch, ..., classes) for one-hot labels.
        preds: (batch, ..., classes); or (batch,) or (batch, ..., 1).
        sample_weight: the first axes of (batch, ...).

    State:
        weights: the sum of the weights in each bin, (2, num_bins), pairs as `_sums` keeps them.
        gaps: the weighted sum of accuracy minus confidence, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. Traced labels and probabilities
        outside their range make it NaN.

    Raises:
        ArgumentError: an option is not one of those above, or `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together.
        DataError: labels are not integers.
        RangeError: a label has no class, or a probability is outside of [0, 1].

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> error = tx.metrics.CalibrationError(num_bins=2)
        >>> chances = jnp.array([0.25, 0.25, 0.55, 0.75, 0.75])
        >>> round(float(error(jnp.array([0, 0, 1, 1, 1]), chances)), 4)
        0.29

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks" (2017). torchmetrics computes the
        same, but gives confidences of exactly 1 a bin of their own.
    """

    weights: jax.Array = MetricState.node()
    gaps: jax.Array = MetricState.node()
    num_bins: int
    norm: Norm
    from_logits: bool

    def __init__(
        self,
        num_bins: int = 15,
        *,
        norm: Norm = "l1",
        from_logits: bool = False,
        on: On = None,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        self.num_bins = whole(where, "num_bins", num_bins)
        one_of(where, "norm", norm, ("l1", "l2", "max"))
        self.norm = norm
        self.from_logits = from_logits
        super().__init__(on=on, name=name)

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.weights = jnp.zeros((2, self.num_bins), jnp.float32)
        self.gaps = jnp.zeros((2, self.num_bins), jnp.float32)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the examples of a batch to their bins."""
        where = type(self).__name__
        confidence, accurate = self._answers(where, *both(where, target, preds))
        weights = align_weights(
            where, 1 if sample_weight is None else sample_weight, confidence.shape, jnp.float32
        )
        in_bins = partial(_in_bins, confidence, number=self.num_bins)
        self.weights = _sums.add(self.weights, in_bins(weights))
        gaps = jnp.where(weights == 0, 0, weights * (accurate - confidence))
        self.gaps = _sums.add(self.gaps, in_bins(gaps))

    def absorb(self, other: Self) -> None:
        """Add what `other` has seen."""
        self.weights = _sums.add(self.weights, other.weights)
        self.gaps = _sums.add(self.gaps, other.gaps)

    def compute(self) -> jax.Array:
        """Return the distance over all data since `reset`."""
        weights, gaps = _sums.value(self.weights), _sums.value(self.gaps)
        total = jnp.sum(weights)
        means = jnp.abs(gaps) / jnp.where(weights == 0, 1, weights)
        if self.norm == "l1":
            return jnp.sum(jnp.abs(gaps)) / total
        if self.norm == "l2":
            return jnp.sqrt(jnp.sum(means * jnp.abs(gaps)) / total)
        return jnp.where(total == 0, jnp.nan, jnp.max(means))

    def _answers(
        self, where: str, target: jax.Array, preds: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Return how sure the predictions are, and 1 where they are right, (batch, ...)."""
        labels, scores = of_classes(where, target, preds, self.from_logits)
        chances = jnp.exp(scores) if self.from_logits else scores
        if is_yes_or_no(preds):
            return chances[..., 1], labels.astype(jnp.float32)
        highest = jnp.argmax(chances, axis=-1)
        return at_label(highest, chances), (highest == labels).astype(jnp.float32)


@partial(jax.jit, static_argnames="number")
def _in_bins(confidence: jax.Array, values: jax.Array, number: int) -> jax.Array:
    """Sum up values in bins of their confidence, pairs (2, number)."""
    edges = np.linspace(0, 1, number + 1)[1:-1].astype(np.float32)
    bins = jnp.searchsorted(jnp.asarray(edges), jnp.nan_to_num(confidence), side="right")
    sums = jax.ops.segment_sum(values.ravel(), bins.ravel(), number)
    return jnp.stack([sums, jnp.zeros_like(sums)])
