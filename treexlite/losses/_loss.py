"""`Loss`: from targets and predictions to the number that training makes small.

What flows in: targets, predictions, and perhaps a weight or a mask for each example. What flows
out: one number, or one for each example. Nothing is mutated; a loss has no data, and two that were
built alike are equal.

Each loss is one pure function per example, `target, preds -> values`, which works under every
transformation. What all losses share happens here, once and in this order: select the part of the
outputs that the loss is about (`on`), hide what is absent, compute the values, weigh them, reduce
them, scale the result.
"""

from __future__ import annotations

import abc
import math
import numbers
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe, unknown_name
from treexlite._names import snake_case
from treexlite._samples import On, align_mask, align_weights, all_present, hide_absent, select

Reduction: TypeAlias = Literal["sum_over_batch_size", "weighted_mean", "sum", "none"]
REDUCTIONS = ("sum_over_batch_size", "weighted_mean", "sum", "none")


class Loss(Module):
    """Base of all losses.

    With `values` of shape (batch, ...), one for each example, weights w broadcast to them, and n of
    them present, which is all without a mask:

        "sum_over_batch_size"   sum(w * values) / n          the mean; the weights need not sum to n
        "weighted_mean"         sum(w * values) / sum(w)     the mean over what the weights count
        "sum"                   sum(w * values)
        "none"                  w * values                   0 where an example is absent

    What a mask leaves out is absent, whatever it holds (padding, NaN, a label of -1): it changes
    neither the loss nor the gradient. So is an example of weight 0, except that
    "sum_over_batch_size" still counts it in n. When all are absent, or all weights are 0, the mean
    is 0.

    A new loss derives from this class and defines `per_example`; one that compares the examples of
    a batch with each other defines `values` too. One that compares predictions with each other says
    `reads_target = False`; it is given None, whatever the target is.

    Args:
        reduction: how the values become one number. The means do not depend on the batch size, so
            they suit one learning rate for all batch sizes. The first is the default, as in Keras:
            weights then scale gradients and nothing else. The second is what scikit-learn does, and
            torch with class weights.
        weight: multiplies the result: the share of this loss among several. None is 1.
        on: which part of targets and predictions to compare, when they are dicts or tuples: a key,
            an index, or a path of them. None compares them as they are.
        name: the name in logs; the class name in snake case when None.

    Raises:
        UnknownNameError: `reduction` is none of the four.
        ArgumentError: `weight` is not a finite number.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Distance(tx.losses.Loss):
        ...     def per_example(self, target, preds):
        ...         return jnp.abs(target - preds).mean(axis=-1)
        >>> loss = Distance(on="price", weight=0.5)
        >>> target, preds = {"price": jnp.zeros((4, 1))}, {"price": jnp.ones((4, 1))}
        >>> float(loss(target, preds))
        0.5
        >>> mean = Distance(on="price", reduction="weighted_mean")
        >>> weights = jnp.array([1, 0, 0, 0])
        >>> float(loss(target, preds, weights)), float(mean(target, preds, weights))
        (0.125, 1.0)

    Reference:
        Names and the meaning of weights and masks follow Keras; "weighted_mean" is new.
    """

    reads_target: ClassVar[bool] = True
    reduction: Reduction
    weight: float | None
    on: On
    name: str

    def __init__(
        self,
        *,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        if reduction not in REDUCTIONS:
            raise unknown_name(where, "a reduction", str(reduction), REDUCTIONS)
        if weight is not None and not _is_finite_number(weight):
            raise ArgumentError(
                where,
                expected="`weight` to be a finite number or None",
                received=f"weight={describe(weight)}",
                fix="Give one number for the whole loss; weights of examples are `sample_weight`.",
            )
        self.reduction = reduction
        self.weight = None if weight is None else float(weight)
        self.on = tuple(on) if isinstance(on, list) else on
        self.name = snake_case(where) if name is None else name

    def __call__(
        self,
        target: Any,
        preds: Any,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
    ) -> jax.Array:
        """Compute the loss.

        Args:
            target: what is true; an array, or a container of arrays from which `on` selects. None
                for a loss that does not read it.
            preds: what the model says; likewise.
            sample_weight: how much each example counts, at least 0 for a mean. Booleans and
                integers are taken as numbers.
            mask: which examples are present, True or not 0 where they are.

        Shapes:
            target, preds: as `per_example` wants them; values are (batch, ...).
            sample_weight, mask: the first axes of the values, such as (batch,) for values
                (batch, time).
            returns: (), or that of the values when `reduction` is "none".

        Raises:
            StructureError: `target` or `preds` have no part at `on`.
            ShapeError: `sample_weight` or `mask` do not have the first axes of the values.
        """
        loss = _reduced(self._weighed(target, preds, sample_weight, mask), self.reduction)
        return loss if self.weight is None else self.weight * loss

    def fraction(
        self,
        target: Any,
        preds: Any,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
    ) -> tuple[jax.Array, ArrayLike]:
        """Compute what the loss divides, and by what, so that batches can be added up.

        The sums of both over all batches have the ratio that the loss of all data at once has.
        Arguments as in the call.

        Returns:
            The sum of the weighed values, times `weight`; and what it is divided by, 1 when
            `reduction` is "sum". With "none" there is no division: both are those of "sum".
        """
        weighed = self._weighed(target, preds, sample_weight, mask)
        total, count = _fraction(weighed, self.reduction)
        return (total if self.weight is None else self.weight * total), count

    def _weighed(
        self, target: Any, preds: Any, sample_weight: ArrayLike | None, mask: ArrayLike | None
    ) -> _Weighed:
        where = type(self).__name__
        target = select(where, "target", target, self.on) if self.reads_target else None
        preds = select(where, "preds", preds, self.on)
        masks = [m for m in (mask, self.own_mask(target, preds)) if m is not None]
        hidden = masks if sample_weight is None else [*masks, sample_weight]
        for present in hidden:
            target, preds = hide_absent((target, preds), present)
        values = self.values(target, preds, all_present(hidden))
        shape, dtype = values.shape, values.dtype
        counts = []
        if sample_weight is not None:
            weights = align_weights(where, sample_weight, shape, dtype)
            values = jnp.where(weights == 0, 0, values * weights)
            counts.append(weights)
        own = self.own_counts(target, preds)
        if own is not None:
            counts.append(align_weights(where, own, shape, dtype))
        kept = [align_mask(where, m, shape) for m in masks]
        for present in kept:
            values = jnp.where(present, values, 0)
        return _Weighed(values, counts, kept)

    @abc.abstractmethod
    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return one value per example, without weights or reduction."""

    def values(self, target: Any, preds: Any, present: jax.Array | None) -> jax.Array:
        """Return one value per example, for losses that compare the examples of a batch.

        Args:
            target: what is true; absent examples hold zeros.
            preds: what the model says; likewise.
            present: which examples are there, None when all are; (batch, ...).
        """
        return self.per_example(target, preds)

    def own_mask(self, target: Any, preds: Any) -> jax.Array | None:
        """Return which examples are present by what they hold, such as labels to ignore."""
        return None

    def own_counts(self, target: Any, preds: Any) -> jax.Array | None:
        """Return how much examples count in "weighted_mean", when `values` are weighted already."""
        return None


class _Weighed(NamedTuple):
    """The values times their weights, and what of them "weighted_mean" and masks count."""

    values: jax.Array
    counts: list[jax.Array]
    masks: list[jax.Array]


def _reduced(weighed: _Weighed, reduction: Reduction) -> jax.Array:
    if reduction == "none":
        return weighed.values
    total, count = _fraction(weighed, reduction)
    return total / (jnp.where(count == 0, 1, count) if isinstance(count, jax.Array) else count)


def _fraction(weighed: _Weighed, reduction: Reduction) -> tuple[jax.Array, jax.Array | int]:
    total = jnp.sum(weighed.values)
    if reduction in ("sum", "none"):
        return total, 1
    counted = [mask.astype(total.dtype) for mask in weighed.masks]
    if reduction == "weighted_mean":
        counted += weighed.counts
    if not counted:
        return total, max(weighed.values.size, 1)
    return total, jnp.sum(math.prod(counted[1:], start=counted[0]))


def _is_finite_number(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
