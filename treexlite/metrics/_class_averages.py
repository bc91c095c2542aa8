"""Ratios per class, and their average: the base of precision, recall, F and Jaccard scores.

In: the outcomes of each class. Out: one number, or one for each class. Pure but for what
`ClassMetric` says.
"""

from __future__ import annotations

import abc
import math
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError
from treexlite._samples import On
from treexlite.metrics._class_counts import OneVsRest, Outcomes

Average: TypeAlias = Literal["auto", "binary", "micro", "macro", "weighted", "none"]
"""How the scores of classes become one: see `Precision`."""

_AVERAGES = ("auto", "binary", "micro", "macro", "weighted", "none")


class ClassScore(OneVsRest):
    """Base of metrics that are a ratio of outcomes per class, averaged.

    A metric defines `ratio`.

    Args:
        num_classes: as in `Precision`, and so are all others.
        num_labels: likewise.
        average: likewise.
        threshold: likewise.
        zero_division: likewise.
        on: as in `Metric`.
        name: as in `Metric`.
    """

    average: Average
    zero_division: float

    def __init__(
        self,
        *,
        num_classes: int | None = None,
        num_labels: int | None = None,
        average: Average | None = "auto",
        threshold: float = 0.5,
        zero_division: float = 0.0,
        on: On = None,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        several = num_labels is not None or num_classes not in (None, 2)
        _check_average(where, average, several)
        _check_zero_division(where, zero_division)
        is_plain = num_labels is None and num_classes is None
        usual: Average = "binary" if is_plain else "macro"
        self.average = usual if average == "auto" else average or "none"
        self.zero_division = float(zero_division)
        super().__init__(
            num_classes=num_classes, num_labels=num_labels, threshold=threshold, on=on, name=name
        )

    def score(self) -> jax.Array:
        """Return the average of the ratios, or all of them."""
        outcomes = self.outcomes()
        if self.average == "micro":
            outcomes = Outcomes(*(jnp.sum(outcome) for outcome in outcomes))
        ratios = divide(*self.ratio(outcomes), self.zero_division)
        if self.average == "binary":
            return ratios[1]
        if self.average == "macro":
            return mean_of_defined(ratios, jnp.ones_like(ratios))
        if self.average == "weighted":
            return mean_of_defined(ratios, outcomes.tp + outcomes.fn)
        return ratios

    @abc.abstractmethod
    def ratio(self, outcomes: Outcomes) -> tuple[jax.Array, jax.Array]:
        """Return the numerator and the denominator of each class."""


def divide(numerator: jax.Array, denominator: jax.Array, otherwise: float) -> jax.Array:
    """Return numerator / denominator, or `otherwise` where the denominator is 0."""
    is_zero = denominator == 0
    return jnp.where(is_zero, otherwise, numerator / jnp.where(is_zero, 1, denominator))


def mean_of_defined(values: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the weighted mean of the values that are not NaN; NaN when all are.

    When their weights are all 0, the values count alike.
    """
    is_defined = ~jnp.isnan(values)
    weights = jnp.where(is_defined, weights, 0)
    weights = jnp.where(jnp.sum(weights) == 0, is_defined.astype(weights.dtype), weights)
    return jnp.sum(jnp.where(is_defined, values, 0) * weights) / jnp.sum(weights)


def _check_average(where: str, average: Any, several: bool) -> None:
    if average is not None and average not in _AVERAGES:
        raise ArgumentError(
            where,
            expected=f"`average` to be one of {', '.join(map(repr, _AVERAGES))}",
            received=f"average={average!r}",
            fix="Take 'macro' when all classes matter alike, 'none' for one score per class.",
        )
    if average == "binary" and several:
        raise ArgumentError(
            where,
            expected="two classes for average='binary', which is the score of class 1",
            received="more classes, or labels",
            fix="Take 'micro', 'macro', 'weighted' or 'none'; or leave `num_classes` out.",
        )


def _check_zero_division(where: str, zero_division: Any) -> None:
    is_number = isinstance(zero_division, (int, float))
    if not (is_number and (zero_division in (0, 1) or math.isnan(zero_division))):
        raise ArgumentError(
            where,
            expected="`zero_division` to be 0, 1 or NaN",
            received=f"zero_division={zero_division!r}",
            fix="Take NaN to leave classes without a score out of averages.",
        )
