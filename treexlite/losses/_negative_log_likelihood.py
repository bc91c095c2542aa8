"""Negative log-likelihood: how improbable the predictions make the targets, by any distribution.

What flows in: labels and the log-probability of each class, or targets and whatever a function of
the user's turns into log-probabilities. What flows out: one value per example, at least in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._label_loss import LabelLoss
from treexlite.losses._labels import product, read_labels
from treexlite.losses._loss import Reduction
from treexlite.losses._options import Weights
from treexlite.losses._pairs import in_single

LogProb: TypeAlias = Callable[[Any, Any], jax.Array]
"""From targets and predictions to the log-probability of each target."""


class NegativeLogLikelihood(LabelLoss):
    """The negative log of the probability of each target, `negative_log_likelihood` per example.

    Args:
        log_prob: as in `negative_log_likelihood`. Give a function of a module or a class, not a new
            `lambda` each time: two losses with different functions are different to `tx.jit`.
        class_weight: as in `negative_log_likelihood`; for reductions, as in `CrossEntropy`.
        ignore_index: as in `negative_log_likelihood`; no mean counts such examples.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `log_prob` cannot be called, or comes with options that are for labels;
            `class_weight` or `ignore_index` is not as in `CrossEntropy`.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.NegativeLogLikelihood()
        >>> log_probs = jnp.log(jnp.array([[0.5, 0.5], [0.1, 0.9]]))
        >>> round(float(loss(jnp.array([0, 1]), log_probs)), 3)
        0.399
        >>> def laplace(target, preds):
        ...     return jax.scipy.stats.laplace.logpdf(target, preds["loc"], preds["scale"])
        >>> loss = tx.losses.NegativeLogLikelihood(laplace)
        >>> preds = {"loc": jnp.array([0.0]), "scale": jnp.array([1.0])}
        >>> round(float(loss(jnp.array([1.0]), preds)), 3)
        1.693
    """

    log_prob: LogProb | None

    def __init__(
        self,
        log_prob: LogProb | None = None,
        *,
        class_weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            class_weight=class_weight,
            ignore_index=ignore_index,
            reduction=reduction,
            weight=weight,
            on=on,
            name=name,
        )
        _check_options(type(self).__name__, log_prob, class_weight, ignore_index)
        self.log_prob = log_prob

    @property
    def takes_labels(self) -> bool:
        """Whether integers among the targets are classes: not for a `log_prob` of the user's."""
        return self.log_prob is None

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return `negative_log_likelihood(target, preds)` with the options of this loss.

        Raises:
            ShapeError: `log_prob` returns one number for several examples.
        """
        values = negative_log_likelihood(
            target,
            preds,
            log_prob=self.log_prob,
            class_weight=self.class_weight,
            ignore_index=self.ignore_index,
        )
        _check_examples(type(self).__name__, values, target)
        return values


def negative_log_likelihood(
    target: Any,
    preds: Any,
    *,
    log_prob: LogProb | None = None,
    class_weight: Weights | None = None,
    ignore_index: int | None = None,
) -> jax.Array:
    """Compute the negative log-likelihood of each example: -log_prob(target, preds).

    Without a `log_prob`, targets are labels and predictions the log-probability of each class:
    -w(label) · preds[label], where w is the weight of the class, 1 by default.

    Args:
        target: integer labels; anything that `log_prob` takes.
        preds: log-probabilities of the classes, as `jax.nn.log_softmax` makes them, which are taken
            as they are; anything that `log_prob` takes, such as a dict with the parameters of a
            distribution.
        log_prob: a function of target and preds that returns the log of the probability, or of its
            density, of each example. It sums over features, if there are any.
        class_weight: one number from 0 for each class, as in `cross_entropy`. For labels.
        ignore_index: the label of examples that have the value 0 and no gradient. For labels.

    Shapes:
        target: (batch, ...) or (batch, ..., 1) for labels.
        preds: (batch, ..., classes) for labels.
        class_weight: (classes,).
        returns: (batch, ...), or that of `log_prob`.

    Returns:
        One value per example. A traced label without a class gives NaN there.

    Raises:
        ShapeError: the shapes do not fit together, or there are fewer than two classes.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes.
        ArgumentError: `log_prob` cannot be called, or comes with options that are for labels.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> log_probs = jnp.log(jnp.array([[0.5, 0.5], [0.1, 0.9]]))
        >>> tx.losses.negative_log_likelihood(jnp.array([0, 1]), log_probs).round(3)
        Array([0.693, 0.105], dtype=float32)

    Reference:
        `torch.nn.NLLLoss`, whose class axis is the second one. For probabilities as targets, use
        `cross_entropy`: log-probabilities are logits, too.
    """
    where = "negative_log_likelihood"
    _check_options(where, log_prob, class_weight, ignore_index)
    if log_prob is not None:
        return -in_single(jnp.asarray(log_prob(target, preds)))
    labels, scores = read_labels(where, jnp.asarray(target), jnp.asarray(preds), ignore_index)
    log_of_class = labels.of(scores)
    if class_weight is not None:
        given = _options.weights(where, "class_weight", class_weight)
        weights = _options.spread(where, "class_weight", given, scores).reshape(-1)
        log_of_class = product(weights[labels.index], log_of_class)
    return labels.settle(-log_of_class)


def _check_examples(where: str, values: jax.Array, target: Any) -> None:
    examples = next((jnp.shape(x)[0] for x in jax.tree.leaves(target) if jnp.ndim(x)), 1)
    if values.ndim == 0 and examples > 1:
        raise ShapeError(
            where,
            expected=f"`log_prob` to return one number for each of {examples} examples",
            received="one number for all",
            fix="Sum over features only; `reduction` and weights take care of the examples.",
        )


def _check_options(
    where: str, log_prob: Any, class_weight: Weights | None, ignore_index: int | None
) -> None:
    if log_prob is None:
        return
    if not callable(log_prob):
        raise ArgumentError(
            where,
            expected="`log_prob` to be a function of target and preds, or None",
            received=f"log_prob={describe(log_prob)}",
            fix="Pass the function itself: `log_prob=jax.scipy.stats.norm.logpdf`.",
        )
    if class_weight is not None or ignore_index is not None:
        raise ArgumentError(
            where,
            expected="`class_weight` and `ignore_index` with labels only",
            received=f"them beside log_prob={describe(log_prob)}",
            fix="Weigh within `log_prob`, or pass `sample_weight` and `mask`.",
        )
