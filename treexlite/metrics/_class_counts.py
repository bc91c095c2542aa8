"""What metrics made of counts share: how answers become counts, and when a value exists.

What flows in: batches of true and predicted classes. What flows out: counts of fixed shape, from
which `compute` makes the value. What may mutate: `counts` and `total`, as `Metric` says.

Three kinds of answers are counted alike. Yes or no (neither `num_classes` nor `num_labels`) are two
classes of which class 1 is yes. For one class of several (`num_classes`), and for any labels of
several (`num_labels`), each class is a question of its own, with four outcomes: a true or false
positive, a false or true negative. Three of them are counted; the true negatives are what remains
of all examples. So the state of most metrics grows with the number of classes, not with its square.

All sums are exact, as `_tallies` tells, and so is their difference from each other: what is zero is
found to be zero, on which the meaning of a ratio depends.
"""

from __future__ import annotations

import abc
import math
from numbers import Integral
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._errors import ArgumentError
from treexlite._samples import On, align_weights
from treexlite.metrics import _predictions, _sums, _tallies
from treexlite.metrics._metric import Metric
from treexlite.metrics._predictions import Answers


class Outcomes(NamedTuple):
    """The weight of the examples that ended in each way, for each class, (classes,)."""

    tp: jax.Array
    fp: jax.Array
    fn: jax.Array
    tn: jax.Array


class ClassMetric(Metric):
    """Base of metrics that count classes: it reads answers, and keeps counts and their total.

    A metric defines `shape` (of its counts), `count` (those of a batch) and `score` (the value).

    Args:
        num_classes: how many classes there are, one of which is true; None for yes or no.
        num_labels: how many labels there are, any of which are true; None for one true class.
        threshold: above it, a single score says yes.
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        counts: pairs as `_sums` keeps them, (2, *shape).
        total: the weight of all examples, (2,); NaN once a traced label had no class.
    """

    num_classes: int | None
    num_labels: int | None
    threshold: float
    counts: jax.Array = MetricState.node()
    total: jax.Array = MetricState.node()

    def __init__(
        self,
        *,
        num_classes: int | None = None,
        num_labels: int | None = None,
        threshold: float = 0.5,
        on: On = None,
        name: str | None = None,
    ) -> None:
        _check_numbers(type(self).__name__, num_classes, num_labels)
        self.num_classes = None if num_classes is None else int(num_classes)
        self.num_labels = None if num_labels is None else int(num_labels)
        self.threshold = threshold
        super().__init__(on=on, name=name)

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.counts = jnp.zeros((2, *self.shape()), jnp.float32)
        self.total = _sums.empty()
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the counts of a batch."""
        where = type(self).__name__
        answers = self._read(where, target, preds)
        shape = answers.true.shape if self.num_labels is None else answers.true.shape[:-1]
        if sample_weight is None:
            weights, total = None, _sums.of_ones(math.prod(shape))
        else:
            weights = align_weights(where, sample_weight, shape, jnp.float32)
            total = _sums.of(weights)
        counts = self.count(answers, weights)
        total = jnp.where(jnp.all(answers.is_valid), total, jnp.nan)
        self.counts, self.total = _sums.add(self.counts, counts), _sums.add(self.total, total)

    def absorb(self, other: Self) -> None:
        """Add what `other` has seen."""
        self.counts = _sums.add(self.counts, other.counts)
        self.total = _sums.add(self.total, other.total)

    def compute(self) -> Any:
        """Return the value over all data since `reset`; NaN when nothing was seen."""
        return jnp.where(_sums.value(self.total) > 0, self.score(), jnp.nan)

    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the counts."""

    @abc.abstractmethod
    def count(self, answers: Answers, weights: jax.Array | None) -> jax.Array:
        """Return the counts of a batch, (2, *shape)."""

    @abc.abstractmethod
    def score(self) -> jax.Array:
        """Return the value, whenever anything was seen."""

    @property
    def classes(self) -> int:
        """The number of classes or labels; yes or no are two."""
        return self.num_labels or self.num_classes or 2

    def _read(self, where: str, target: Any, preds: Any) -> Answers:
        """Return the answers, of which none is -1: what is never right is wrong somewhere."""
        if self.num_labels is not None:
            answers = _predictions.flags(where, target, preds, self.threshold, self.num_labels)
            number = 2
        elif self.num_classes is None:
            answers = _predictions.yes_or_no(where, target, preds, self.threshold)
            number = 2
        else:
            number = self.num_classes
            answers = _predictions.among(where, target, preds, self.threshold, number)
        wrong = (answers.true + 1) % number
        return answers._replace(
            predicted=jnp.where(answers.predicted < 0, wrong, answers.predicted)
        )


class OneVsRest(ClassMetric):
    """Base of metrics that follow from the outcomes of each class.

    Args:
        As `ClassMetric`.

    State:
        counts: true positives, false positives and false negatives, (2, 3, classes).
        total: as in `ClassMetric`.
    """

    def shape(self) -> tuple[int, ...]:
        """Return (3, classes)."""
        return (3, self.classes)

    def count(self, answers: Answers, weights: jax.Array | None) -> jax.Array:
        """Count the outcomes of a batch."""
        true, predicted = answers.true, answers.predicted
        if self.num_labels is not None:
            yes, said_yes = true == 1, predicted == 1
            flags = jnp.stack([yes & said_yes, ~yes & said_yes, yes & ~said_yes])
            labels: jax.Array = _tallies.by_column(flags, weights)
            return labels
        none, is_right = self.classes, true == predicted
        hit = jnp.where(is_right, true, none)
        alarm, miss = (jnp.where(is_right, none, label) for label in (predicted, true))
        classes: jax.Array = _tallies.by_group(jnp.stack([hit, alarm, miss]), none, weights)
        return classes

    def outcomes(self) -> Outcomes:
        """Return the outcomes of each class."""
        tp, fp, fn = (self.counts[:, row] for row in range(3))
        rest = _sums.add(_sums.add(tp, fp), fn)
        total = self.total[:, None]
        tn = _sums.value(_sums.add(total, -rest))
        # Sums are right to 2**-47 of their size: a difference below that is none.
        tn = jnp.where(tn > _sums.value(total) * 2.0**-36, tn, 0)
        return Outcomes(_sums.value(tp), _sums.value(fp), _sums.value(fn), tn)


def _check_numbers(where: str, num_classes: int | None, num_labels: int | None) -> None:
    if num_classes is not None and num_labels is not None:
        raise ArgumentError(
            where,
            expected="either `num_classes` or `num_labels`",
            received=f"num_classes={num_classes!r}, num_labels={num_labels!r}",
            fix="Give `num_labels` when several may be true of one example, else `num_classes`.",
        )
    if num_classes is not None and not (_is_whole(num_classes) and num_classes >= 2):
        raise ArgumentError(
            where,
            expected="`num_classes` to be a whole number, at least 2",
            received=f"num_classes={num_classes!r}",
            fix="Count all classes; leave it out for yes or no.",
        )
    if num_labels is not None and not (_is_whole(num_labels) and num_labels >= 1):
        raise ArgumentError(
            where,
            expected="`num_labels` to be a whole number, at least 1",
            received=f"num_labels={num_labels!r}",
            fix="Count all labels; leave it out for one true class per example.",
        )


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)  # NumPy's count too
