"""CTC: the loss of a sequence of labels whose places in time are not known.

What flows in: labels, and the logits of classes at each step of time. What flows out: one value per
example, at least in float32.

The labels may stand at any places that keep their order, with blanks between them. The loss sums
the probabilities of all these alignments by one walk over time, in logarithms: a state is how far
an alignment has come in `blank, label, blank, label, ..., blank`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.losses._ctc_inputs import check_blank, read_labels, read_logits
from treexlite.losses._loss import Loss, Reduction

_NEVER = -1e30
"""The log of a probability of zero, finite so that gradients are, and far below any other."""


class CTC(Loss):
    """Connectionist temporal classification, `ctc` for each example.

    Args:
        blank: as in `ctc`.
        zero_infinity: as in `ctc`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `blank` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.CTC()
        >>> labels = jnp.array([[1, 2, 0], [3, 0, 0]])
        >>> logits, lengths = jnp.zeros((2, 5, 4)), jnp.array([5, 3])
        >>> round(float(loss(labels, logits)), 3), round(float(loss(labels, (logits, lengths))), 3)
        (3.8, 2.872)
    """

    blank: int
    zero_infinity: bool

    def __init__(
        self,
        *,
        blank: int = 0,
        zero_infinity: bool = False,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        check_blank(type(self).__name__, blank)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return `ctc(target, preds)` with the options of this loss."""
        return ctc(target, preds, blank=self.blank, zero_infinity=self.zero_infinity)


def ctc(target: Any, preds: Any, *, blank: int = 0, zero_infinity: bool = False) -> jax.Array:
    """Compute -log p(labels) of each example, over all alignments of the labels with time.

    An alignment names one class per step. It stands for the labels that are left when repeated
    classes are merged and blanks are dropped: `a a _ a b` and `a _ a b b` stand for `a a b`.

    Args:
        target: integer labels, padded at the end with the blank or a negative number, which no
            label can be. Or a pair `(labels, lengths)`, or a dict with these keys; what lies past a
            length is not read.
        preds: the logits of the classes at each step, the blank among them; log-probabilities are
            logits too. Or a pair `(logits, lengths)`, or a dict with these keys; steps past a
            length are not read. Their dtype is that of the result, but at least float32.
        blank: the class that stands for no label.
        zero_infinity: whether an impossible example costs 0 instead of infinity.

    Shapes:
        target: (batch, labels); lengths (batch,).
        preds: (batch, time, classes); lengths (batch,).
        returns: (batch,).

    Returns:
        One value per example, infinity when no alignment is possible: when there are fewer steps
        than labels, plus one for each pair of equal neighbours, between which a blank has to stand.
        The gradient is 0 there, so that one such example spoils no other. Labels and lengths that
        are traced cannot be checked; what has no meaning gives NaN, so that it cannot go unnoticed.

    Raises:
        ShapeError: the shapes do not fit together.
        StructureError: `target` or `preds` are tuples or dicts, but not such pairs.
        DataError: labels or lengths are not integers, or a label stands after padding.
        RangeError: a label or a length is out of range.
        ArgumentError: `blank` is not a class.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> certain = 9 * jnp.eye(3)[jnp.array([[1, 1, 0, 2]])]  # a a _ b
        >>> tx.losses.ctc(jnp.array([[1, 2]]), certain).round(2)
        Array([0.], dtype=float32)
        >>> tx.losses.ctc(jnp.array([[1, 1, 1]]), certain)
        Array([inf], dtype=float32)

    Reference:
        Graves et al., "Connectionist Temporal Classification" (2006). torch gives a NaN gradient
        where we give 0, and its "mean" divides each value by its number of labels, as
        `sample_weight=1 / lengths` does here. Keras and optax replace the log of 0 by -1e5 or so,
        which makes an impossible example large, but finite. All three let the logarithms grow with
        time, which costs the gradients of long sequences their last digits.
    """
    where = "ctc"
    check_blank(where, blank)
    logits, in_time = read_logits(where, preds, blank)  # (batch, time, classes), (batch, time)
    batch, _, classes = logits.shape
    labels, lengths = read_labels(where, target, (batch, classes), blank)
    is_valid = lengths >= 0
    lengths = jnp.maximum(lengths, 0)

    between = jnp.full_like(labels, blank)
    states = jnp.stack([between, labels], axis=-1).reshape(batch, 2 * labels.shape[1])
    states = jnp.pad(states, ((0, 0), (0, 1)), constant_values=blank)  # (batch, 2 labels + 1)
    log_q = jnp.maximum(jax.nn.log_softmax(logits), _NEVER)
    emitted = jnp.take_along_axis(log_q, states[:, None, :], axis=-1)  # (batch, time, states)

    scores, shifts = _walk(emitted, in_time, _may_skip(states, blank))
    ends = jnp.stack([2 * lengths, 2 * lengths - 1], axis=-1)  # after the last blank, or label
    at_ends = jnp.take_along_axis(scores, jnp.maximum(ends, 0), axis=-1)
    total = shifts + jax.nn.logsumexp(jnp.where(ends >= 0, at_ends, _NEVER), axis=-1)

    is_impossible = total < _NEVER / 2
    loss = jnp.where(is_impossible, 0 if zero_infinity else jnp.inf, -total)
    return jnp.where(is_valid, loss, jnp.nan)


def _may_skip(states: jax.Array, blank: int) -> jax.Array:
    """Return which states are reached without the blank before: labels unlike their neighbour."""
    before = jnp.pad(states, ((0, 0), (2, 0)), constant_values=blank)[:, : states.shape[1]]
    return (states != blank) & (states != before)


@jax.jit  # so that an eager call compiles the walk once for each shape, not each time
def _walk(
    emitted: jax.Array, in_time: jax.Array, may_skip: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return the log-probability of being in each state when time is over, as a sum of two parts.

    After each step the scores are shifted, so that the best is 0, and the shifts are summed apart:
    a long sequence has a small probability, whose log would leave few digits for differences.

    Shapes:
        emitted: (batch, time, states).
        in_time: (batch, time), False where a sequence is over.
        may_skip: (batch, states).
        returns: (batch, states) and (batch,).
    """
    batch, _, states = emitted.shape

    def step(
        carry: tuple[jax.Array, jax.Array], now: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        scores, shifts = carry  # (batch, states), (batch, 1)
        emitted, is_on = now[0], now[1][:, None]  # (batch, states), (batch, 1)
        padded = jnp.pad(scores, ((0, 0), (2, 0)), constant_values=_NEVER)
        one_before, two_before = padded[:, 1:-1], padded[:, :-2]
        ways = jnp.stack([scores, one_before, jnp.where(may_skip, two_before, _NEVER)])
        moved = jax.nn.logsumexp(ways, axis=0) + emitted
        best = jax.lax.stop_gradient(jnp.max(moved, axis=-1, keepdims=True))
        scores = jnp.where(is_on, moved - best, scores)
        return (scores, jnp.where(is_on, shifts + best, shifts)), None

    start = jnp.full((batch, states), _NEVER, emitted.dtype).at[:, 0].set(0)
    carry = start, jnp.zeros((batch, 1), emitted.dtype)
    (scores, shifts), _ = jax.lax.scan(step, carry, (jnp.moveaxis(emitted, 1, 0), in_time.T))
    return scores, shifts[:, 0]
