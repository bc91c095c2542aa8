"""`Loss`: from targets and predictions to the number that training makes small.

What flows in: targets, predictions, and perhaps a weight for each example. What flows out: one
number, or one for each example. Nothing is mutated; a loss has no data, and two that were built
alike are equal.

Each loss is one pure function per example, `target, preds -> values`, which works under every
transformation. What all losses share happens here, once and in this order: select the part of the
outputs that the loss is about (`on`), hide the examples of weight 0, compute the values, weigh
them, reduce them, scale the result.
"""

from __future__ import annotations

import abc
import math
import numbers
import re
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe, unknown_name
from treexlite._samples import On, align_weights, hide_absent, select

Reduction: TypeAlias = Literal["sum_over_batch_size", "sum", "none"]
REDUCTIONS = ("sum_over_batch_size", "sum", "none")


class Loss(Module):
    """Base of all losses.

    With `values` of shape (batch, ...), one for each example, and weights w broadcast to them:

        "sum_over_batch_size"   sum(w * values) / sum(w)     the mean; without weights, all w are 1
        "sum"                   sum(w * values)
        "none"                  w * values

    An example of weight 0 counts as absent, whatever it holds (padding, NaN, a label of -1): it
    changes neither the loss nor the gradient. When all are absent the mean is 0.

    A new loss derives from this class and defines `per_example`.

    Args:
        reduction: how the values become one number. The mean does not depend on the batch size, so
            it suits one learning rate for all batch sizes, and is the default.
        weight: multiplies the result: the share of this loss among several. None is 1.
        on: which part of targets and predictions to compare, when they are dicts or tuples: a key,
            an index, or a path of them. None compares them as they are.
        name: the name in logs; the class name in snake case when None.

    Raises:
        UnknownNameError: `reduction` is none of the three.
        ArgumentError: `weight` is not a finite number.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class MeanAbsoluteError(tx.losses.Loss):
        ...     def per_example(self, target, preds):
        ...         return jnp.abs(target - preds).mean(axis=-1)
        >>> loss = MeanAbsoluteError(on="price", weight=0.5)
        >>> float(loss({"price": jnp.zeros((4, 1))}, {"price": jnp.ones((4, 1))}))
        0.5

    Reference:
        Names follow Keras. Keras divides the weighted sum by the number of values, so that there a
        padded example pulls the mean towards 0; we divide by the sum of the weights, as
        scikit-learn does, and torch with class weights. For weights that may be negative, use
        "sum".
    """

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
        self.name = _snake_case(where) if name is None else name

    def __call__(
        self, target: Any, preds: Any, sample_weight: ArrayLike | None = None
    ) -> jax.Array:
        """Compute the loss.

        Args:
            target: what is true; an array, or a container of arrays from which `on` selects.
            preds: what the model says; likewise.
            sample_weight: how much each example counts, at least 0 for a mean. Booleans and
                integers are taken as numbers.

        Shapes:
            target, preds: as `per_example` wants them; values are (batch, ...).
            sample_weight: the first axes of the values, such as (batch,) for values (batch, time).
            returns: (), or that of the values when `reduction` is "none".

        Raises:
            StructureError: `target` or `preds` have no part at `on`.
            ShapeError: `sample_weight` does not have the first axes of the values.
        """
        where = type(self).__name__
        target = select(where, "target", target, self.on)
        preds = select(where, "preds", preds, self.on)
        if sample_weight is None:
            loss = _reduce(self.per_example(target, preds), self.reduction)
        else:
            target, preds = hide_absent((target, preds), sample_weight)
            values = self.per_example(target, preds)
            weights = align_weights(where, sample_weight, values.shape, values.dtype)
            loss = _reduce_weighted(values, weights, self.reduction)
        return loss if self.weight is None else self.weight * loss

    @abc.abstractmethod
    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return one value per example, without weights or reduction."""


def _reduce(values: jax.Array, reduction: Reduction) -> jax.Array:
    if reduction == "none":
        return values
    total = jnp.sum(values)
    return total if reduction == "sum" else total / max(values.size, 1)


def _reduce_weighted(values: jax.Array, weights: jax.Array, reduction: Reduction) -> jax.Array:
    weighted = jnp.where(weights == 0, 0, values * weights)
    if reduction == "none":
        return weighted
    total = jnp.sum(weighted)
    if reduction == "sum":
        return total
    count = jnp.sum(weights)
    return total / jnp.where(count == 0, 1, count)


def _is_finite_number(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
