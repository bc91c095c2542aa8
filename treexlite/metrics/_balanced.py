"""`BalancedAccuracy`: the mean recall of the classes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.metrics._class_averages import divide, mean_of_defined
from treexlite.metrics._class_counts import OneVsRest


class BalancedAccuracy(OneVsRest):
    """The mean over classes of the share of their examples that are right: mean of tp / (tp + fn).

    Each class counts alike, however rare it is; one without examples is left out.

    Args:
        num_classes: how many classes there are; None for yes and no, which are two.
        adjusted: whether to put the score of chance, c = 1 / (number of classes with examples), to
            0 and keep that of perfection at 1: (mean - c) / (1 - c).
        threshold: above it, a single score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `Precision`.
        returns: ().

    State:
        counts, total: as in `Precision`.

    Returns:
        A float32 number from 0 (when adjusted, from -1) to 1; NaN when nothing was seen, and when
        only one class was seen and `adjusted` is true. NaN in predictions and traced labels without
        a class are as in `Precision`.

    Raises:
        TreexliteError: as `Precision`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([0, 0, 0, 1]), jnp.array([0, 0, 0, 0])
        >>> float(tx.metrics.BalancedAccuracy()(target, preds))
        0.5
        >>> float(tx.metrics.BalancedAccuracy(adjusted=True)(target, preds))
        0.0

    Reference:
        `sklearn.metrics.balanced_accuracy_score`, which divides by 0 where we give NaN.
    """

    adjusted: bool

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        adjusted: bool = False,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.adjusted = adjusted
        super().__init__(num_classes=num_classes, threshold=threshold, on=on, name=name)

    def score(self) -> jax.Array:
        """Return the mean recall of the classes that have examples."""
        outcomes = self.outcomes()
        examples = outcomes.tp + outcomes.fn
        recall = divide(outcomes.tp, examples, jnp.nan)
        mean = mean_of_defined(recall, jnp.ones_like(recall))
        if not self.adjusted:
            return mean
        present = jnp.sum(examples > 0).astype(jnp.float32)
        return divide(present * mean - 1, present - 1, jnp.nan)
