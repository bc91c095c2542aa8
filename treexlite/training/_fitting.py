"""Names whose meaning depends on what they stand beside: "crossentropy", "accuracy".

What flows in: a name that the user wrote, and the loss of the same output. What flows out: the loss
or metric that fits. Nothing is mutated, but for the sums of `LossMean`.

| name | stands for |
|---|---|
| loss "crossentropy", "ce" | binary for one score per example, of classes for several |
| metric "accuracy", "acc" | `BinaryAccuracy` beside a binary loss, else `Accuracy` |
| metric "crossentropy", "ce" | the loss above, with `from_logits` as the loss says |
| any other metric | its class; `threshold` and `from_logits` as the loss says, if it has them |

A loss of logits puts the border between no and yes at 0. A metric that is given as an object keeps
what it was built with.
"""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError
from treexlite.losses import (
    BinaryCrossEntropy,
    BinaryFocalCrossEntropy,
    CrossEntropy,
    Hinge,
    Loss,
    SquaredHinge,
    binary_cross_entropy,
)
from treexlite.metrics import Accuracy, BinaryAccuracy, Mean, Metric, _sums
from treexlite.metrics._registry import REGISTRY

CROSS_ENTROPY = ("ce", "cross_entropy", "crossentropy")
_ACCURACY = ("acc", "accuracy")
_BINARY = (BinaryCrossEntropy, BinaryFocalCrossEntropy)


class CrossEntropyByShape(CrossEntropy):
    """Cross-entropy of whatever the model gives: one score for yes or no, or one for each class.

    Predictions of shape (batch,) or (batch, ..., 1) are scores of class 1 of two.
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return the binary cross-entropy for one score per example, else that of classes."""
        target, preds = jnp.asarray(target), jnp.asarray(preds)
        if is_one_score(preds.shape):
            return binary_cross_entropy(
                target,
                preds,
                from_logits=self.from_logits,
                label_smoothing=self.label_smoothing,
            )
        return super().per_example(target, preds)


def is_one_score(shape: tuple[int, ...]) -> bool:
    """Whether predictions of that shape are one score per example, not one per class."""
    return len(shape) < 2 or shape[-1] == 1


class LossMean(Mean):
    """The value of a loss over all data, divided as the loss divides.

    Args:
        loss: the loss.
        name: as in `Metric`.

    State:
        total: the sum of what the loss divides, (2,), as `treexlite.metrics._sums` keeps it.
        count: what it is divided by, likewise.
    """

    loss: Loss

    def __init__(self, loss: Loss, name: str) -> None:
        self.loss = loss
        super().__init__(name=name)

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add what the loss divides, and by what."""
        total, count = self.loss.fraction(target, preds, sample_weight)
        self.total = _sums.add(self.total, _sums.of(jnp.asarray(total, jnp.float32)))
        self.count = _sums.add(self.count, _sums.of(jnp.asarray(count, jnp.float32)))

    def compute(self) -> jax.Array:
        """Return the loss of all data since `reset`; NaN where there was none."""
        count = _sums.value(self.count)
        if self.loss.reduction == "sum":  # nothing divides it
            count = jnp.where(count > 0, 1.0, count)
        return _sums.value(self.total) / count


def fitting_metric(where: str, name: str, loss: Loss | None) -> Metric:
    """Return the metric that a name stands for beside a loss; its own name is the given one.

    Raises:
        UnknownNameError: no metric has that name.
        ArgumentError: "crossentropy", and the loss does not say whether there are logits.
    """
    if name in CROSS_ENTROPY:
        return LossMean(_cross_entropy(where, name, loss), name)
    factory: Any = REGISTRY.find(name, where)
    if name in _ACCURACY:
        factory = BinaryAccuracy if isinstance(loss, _BINARY) else Accuracy
    metric: Metric = factory(**_options(factory, loss))
    metric.name = name
    return metric


def _cross_entropy(where: str, name: str, loss: Loss | None) -> Loss:
    from_logits = getattr(loss, "from_logits", None)
    if from_logits is None:
        raise ArgumentError(
            where,
            expected=f"the metric {name!r} beside a loss that says whether there are logits",
            received=f"loss={'None' if loss is None else type(loss).__name__}",
            fix="Pass `tx.metrics.LogLoss(from_logits=...)`, which says it itself.",
        )
    kind = BinaryCrossEntropy if isinstance(loss, _BINARY) else CrossEntropyByShape
    return kind(from_logits=from_logits, reduction="weighted_mean")


def _options(factory: Any, loss: Loss | None) -> dict[str, Any]:
    """Return the options of a metric that depend on what the predictions are."""
    accepted = inspect.signature(factory).parameters
    from_logits = getattr(loss, "from_logits", None)
    options: dict[str, Any] = {}
    if "threshold" in accepted and (from_logits or isinstance(loss, (Hinge, SquaredHinge))):
        options["threshold"] = 0.0
    if "from_logits" in accepted and from_logits is not None:
        options["from_logits"] = from_logits
    return options
