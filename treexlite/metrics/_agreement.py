"""Agreement beyond chance between true and predicted classes: Matthews' correlation, Cohen's kappa.

In: counts of classes. Out: one number, 0 for what chance would give and 1 for full agreement.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError
from treexlite._samples import On
from treexlite.metrics import _sums
from treexlite.metrics._class_averages import divide
from treexlite.metrics._class_counts import OneVsRest
from treexlite.metrics._confusion import Pairings


class MatthewsCorrelation(OneVsRest):
    """The correlation between true and predicted classes.

    For yes or no it is (tp tn - fp fn) / sqrt((tp + fp) (tp + fn) (tn + fp) (tn + fn)). For more
    classes it is sum(tp tn - fp fn) / sqrt(sum(t (1 - t)) sum(p (1 - p))), with the shares t and p
    of the examples that are of a class and that are predicted to be.

    Args:
        num_classes: how many classes there are; None for yes and no.
        threshold: above it, a single score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `Precision`.
        returns: ().

    State:
        counts, total: as in `Precision`.

    Returns:
        A float32 number from -1 to 1; NaN when nothing was seen. 0 when all examples are of one
        class or predicted to be: nothing correlates with a constant. NaN in predictions and traced
        labels without a class are as in `Precision`.

    Raises:
        TreexliteError: as `Precision`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> correlation = tx.metrics.MatthewsCorrelation()
        >>> round(float(correlation(jnp.array([1, 1, 1, 0]), jnp.array([1, 0, 1, 1]))), 3)
        -0.333

    Reference:
        Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient"
        (2004); `sklearn.metrics.matthews_corrcoef`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(num_classes=num_classes, threshold=threshold, on=on, name=name)

    def score(self) -> jax.Array:
        """Return the correlation; the terms are positive, so that nothing cancels in them."""
        total = _sums.value(self.total)
        tp, fp, fn, tn = (outcome / total for outcome in self.outcomes())
        spread_of_true = jnp.sum((tp + fn) * (tn + fp))
        spread_of_predicted = jnp.sum((tp + fp) * (tn + fn))
        scale = jnp.sqrt(spread_of_true) * jnp.sqrt(spread_of_predicted)
        return jnp.clip(divide(jnp.sum(tp * tn - fp * fn), scale, 0.0), -1, 1)


class CohenKappa(Pairings):
    """Agreement beyond chance: 1 - sum(d · observed) / sum(d · expected).

    Sums are over pairs of a true and a predicted class; observed is the share of the pair, expected
    the product of the shares of its two classes, and d how much the classes differ.

    Args:
        num_classes: how many classes there are; None for yes and no.
        weights: d is 1 between any two classes when None, |i - j| when "linear" and (i - j)² when
            "quadratic", for classes that are steps of a scale.
        threshold: above it, a single score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds, sample_weight: as in `Precision`.
        returns: ().

    State:
        counts, total: as in `ConfusionMatrix`.

    Returns:
        A float32 number, at most 1; 0 when the agreement is that of chance. NaN when nothing was
        seen, and when all true and all predicted classes are one and the same, since chance alone
        would agree. NaN in predictions and traced labels without a class are as in `Precision`.

    Raises:
        ArgumentError: `weights` is none of those above, or as in `Precision`.
        ShapeError, DataError, RangeError: as in `Precision`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kappa = tx.metrics.CohenKappa(3, weights="quadratic")
        >>> round(float(kappa(jnp.array([0, 1, 2, 2]), jnp.array([0, 1, 1, 2]))), 3)
        0.8

    Reference:
        Cohen, "A coefficient of agreement for nominal scales" (1960);
        `sklearn.metrics.cohen_kappa_score`.
    """

    weights: Literal["linear", "quadratic"] | None

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        weights: Literal["linear", "quadratic"] | None = None,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        if weights not in (None, "linear", "quadratic"):
            raise ArgumentError(
                type(self).__name__,
                expected="`weights` to be 'linear', 'quadratic' or None",
                received=f"weights={weights!r}",
                fix="Take None for classes without an order; `sample_weight` weighs examples.",
            )
        self.weights = weights
        super().__init__(num_classes=num_classes, threshold=threshold, on=on, name=name)

    def score(self) -> jax.Array:
        """Return the agreement."""
        observed = _sums.value(self.counts) / _sums.value(self.total)
        expected = jnp.sum(observed, axis=1, keepdims=True) * jnp.sum(
            observed, axis=0, keepdims=True
        )
        differ = self._differences()
        chance = jnp.sum(differ * expected)
        return divide(chance - jnp.sum(differ * observed), chance, jnp.nan)

    def _differences(self) -> jax.Array:
        steps = jnp.arange(self.classes, dtype=jnp.float32)
        apart = jnp.abs(steps[:, None] - steps[None, :])
        if self.weights is None:
            return (apart > 0).astype(jnp.float32)
        return apart if self.weights == "linear" else jnp.square(apart)
