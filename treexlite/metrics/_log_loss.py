"""`LogLoss`: the surprise at the true class."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.metrics._arguments import both
from treexlite.metrics._mean import Mean
from treexlite.metrics._probabilities import at_label, of_classes

_EPSILON = 2.0**-23
"""The distance from 1 to the next float32 number."""


class LogLoss(Mean):
    """The mean of -log(probability of the true class), also called cross-entropy.

    One score per example is the probability of class 1 of two.

    Args:
        from_logits: whether `preds` are logits. False, because a probability outside of [0, 1] can
            be noticed, and logits that are taken for it cannot pass; probabilities are clipped to
            [e, 1 - e] with e = 2**-23, so that no value is infinite. Logits are not.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ...) for labels, (batch, ..., classes) for one-hot labels.
        preds: (batch, ..., classes); or (batch,) or (batch, ..., 1).
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted sum of the losses, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number, at least 0; NaN when nothing was seen. Traced labels and probabilities
        outside their range make it NaN.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together.
        DataError: labels are not integers.
        RangeError: a label has no class, or a probability is outside of [0, 1].

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.metrics.LogLoss()
        >>> chances = jnp.array([[0.9, 0.1], [0.2, 0.8]])
        >>> round(float(loss(jnp.array([0, 1]), chances)), 4)
        0.1643
        >>> round(float(loss(jnp.array([0, 1]), chances[:, 1])), 4)
        0.1643

    Reference:
        `sklearn.metrics.log_loss` of float32 probabilities. Neither makes them sum to 1.
    """

    from_logits: bool

    def __init__(
        self, *, from_logits: bool = False, on: On = None, name: str | None = None
    ) -> None:
        self.from_logits = from_logits
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the loss of each example, (batch, ...)."""
        where = type(self).__name__
        labels, scores = of_classes(where, *both(where, target, preds), self.from_logits)
        of_label = at_label(labels, scores)
        if self.from_logits:
            return -of_label
        return -jnp.log(jnp.clip(of_label, _EPSILON, 1 - _EPSILON))
