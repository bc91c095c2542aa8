"""`BrierScore`: the squared error of probabilities."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.metrics._arguments import both
from treexlite.metrics._mean import Mean
from treexlite.metrics._probabilities import of_classes


class BrierScore(Mean):
    """The mean squared error of probabilities; the smaller, the better.

        two classes:   mean of (p - y)², with the probability p of class 1; from 0 to 1
        more classes:  mean of the sum over classes of (p_c - [c = y])²; from 0 to 2

    One score per example is the probability of class 1 of two.

    Args:
        from_logits: whether `preds` are logits. False, because a probability outside of [0, 1] can
            be noticed.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ...) for labels, (batch, ..., classes) for one-hot labels.
        preds: (batch, ..., classes); or (batch,) or (batch, ..., 1).
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted sum of the errors, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number; NaN when nothing was seen. Traced labels and probabilities outside their
        range make it NaN.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together.
        DataError: labels are not integers.
        RangeError: a label has no class, or a probability is outside of [0, 1].

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> score = tx.metrics.BrierScore()
        >>> round(float(score(jnp.array([0, 1, 1, 0]), jnp.array([0.1, 0.9, 0.8, 0.3]))), 4)
        0.0375

    Reference:
        Brier, "Verification of Forecasts Expressed in Terms of Probability" (1950), halved for two
        classes, as `sklearn.metrics.brier_score_loss` does.
    """

    from_logits: bool

    def __init__(
        self, *, from_logits: bool = False, on: On = None, name: str | None = None
    ) -> None:
        self.from_logits = from_logits
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the squared error of each example, (batch, ...)."""
        where = type(self).__name__
        labels, scores = of_classes(where, *both(where, target, preds), self.from_logits)
        chances = jnp.exp(scores) if self.from_logits else scores
        classes = chances.shape[-1]
        errors = jnp.sum(jnp.square(chances - jax.nn.one_hot(labels, classes)), axis=-1)
        return errors / 2 if classes == 2 else errors
