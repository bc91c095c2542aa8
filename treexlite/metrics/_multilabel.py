"""Accuracy where several labels may be true of one example."""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError
from treexlite._samples import On
from treexlite.metrics import _predictions
from treexlite.metrics._mean import Mean


class MultilabelAccuracy(Mean):
    """The share of examples all of whose labels are right, or the share of labels that are.

    Args:
        criteria: "exact_match" for the share of examples with no wrong label (also called subset
            accuracy), "hamming" for the share of right labels.
        threshold: a score above it says yes. 0.5 suits probabilities; take 0 for logits.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch, ..., labels).
        sample_weight: the first axes of (batch, ...).

    State:
        total: the weighted sum over examples, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A score that is NaN is never right.
        A traced target that is neither 0 nor 1 makes the result NaN.

    Raises:
        ArgumentError: `criteria` is neither; `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not have the same shape.
        DataError: predictions are labels, and targets are not.
        RangeError: a target is neither 0 nor 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target = jnp.array([[1, 0, 1, 0], [0, 1, 0, 0]])
        >>> scores = jnp.array([[0.9, 0.1, 0.8, 0.4], [0.3, 0.7, 0.6, 0.2]])
        >>> float(tx.metrics.MultilabelAccuracy()(target, scores))
        0.5
        >>> float(tx.metrics.MultilabelAccuracy("hamming")(target, scores))
        0.875

    Reference:
        `sklearn.metrics.accuracy_score` of indicator matrices is the exact match, 1 minus
        `sklearn.metrics.hamming_loss` the other; the names are those of torcheval.
    """

    criteria: Literal["exact_match", "hamming"]
    threshold: float

    def __init__(
        self,
        criteria: Literal["exact_match", "hamming"] = "exact_match",
        *,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        if criteria not in ("exact_match", "hamming"):
            raise ArgumentError(
                type(self).__name__,
                expected="`criteria` to be 'exact_match' or 'hamming'",
                received=f"criteria={criteria!r}",
                fix="Take 'hamming' to count each label on its own.",
            )
        self.criteria = criteria
        self.threshold = threshold
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return how right each example is, from 0 to 1, (batch, ...)."""
        right = _right_labels(type(self).__name__, target, preds, self.threshold)
        if self.criteria == "hamming":
            return jnp.mean(right, axis=-1)
        return jnp.min(right, axis=-1, initial=1)


class HammingLoss(Mean):
    """The share of labels that are wrong: 1 - `MultilabelAccuracy("hamming")`.

    Args:
        threshold: as in `MultilabelAccuracy`.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `MultilabelAccuracy`.

    Returns:
        A float32 number from 0 to 1; NaN when nothing was seen. A score that is NaN is wrong.

    Raises:
        TreexliteError: as `MultilabelAccuracy`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target = jnp.array([[1, 0, 1, 0], [0, 1, 0, 0]])
        >>> scores = jnp.array([[0.9, 0.1, 0.8, 0.4], [0.3, 0.7, 0.6, 0.2]])
        >>> float(tx.metrics.HammingLoss()(target, scores))
        0.125

    Reference:
        `sklearn.metrics.hamming_loss`; for one class of several, see `ZeroOneLoss`.
    """

    threshold: float

    def __init__(self, *, threshold: float = 0.5, on: On = None, name: str | None = None) -> None:
        self.threshold = threshold
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the share of wrong labels of each example, (batch, ...)."""
        right = _right_labels(type(self).__name__, target, preds, self.threshold)
        return jnp.mean(1 - right, axis=-1)


def _right_labels(where: str, target: Any, preds: Any, threshold: float) -> jax.Array:
    """Return 1 where a label is right and 0 where it is wrong, (batch, ..., labels)."""
    return _predictions.flags(where, target, preds, threshold, None).right()
