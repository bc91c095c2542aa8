"""`BLEU`: how many runs of words a translation shares with references.

What flows in: texts and references as padded token ids. What flows out: the score of the corpus.
What may mutate: the counts, in `update`, `absorb` and `reset`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._errors import ArgumentError, describe
from treexlite._samples import On, align_weights
from treexlite.metrics import _sums
from treexlite.metrics._arguments import both, one_of, whole
from treexlite.metrics._metric import Metric
from treexlite.metrics._ngrams import clipped_counts, reference_lengths
from treexlite.metrics._tokens import check_rows, texts, without_padding

Smoothing = Literal["none", "floor", "add-k", "exp"]
_VALUES = {"none": 0.0, "floor": 0.1, "add-k": 1.0, "exp": 0.0}


class BLEU(Metric):
    """The BLEU score of a corpus, from 0 to 1.

        exp(min(0, 1 - r / c)) · (p_1 · ... · p_N) ** (1 / N)

    where p_n is the share of the n-grams of all texts that are also in a reference of their text,
    each counted at most as often as in the reference that has it most often; c is the length of
    all texts; and r that of the references, for each text the closest one in length, the shorter
    one of two. Counts add up over the corpus; a mean of the scores of sentences would be another
    number.

    Args:
        max_order: N, the longest n-gram.
        pad_id: the id that stands for no token, anywhere in a row.
        smoothing: what to do when no n-gram of an order matches, which makes the score 0 ("none"):
            "floor" counts `smooth_value` matches there; "exp" counts 1/2, 1/4, ... matches at the
            first, second, ... such order; "add-k" adds `smooth_value` to matches and n-grams of
            all orders above 1. Without any match the score is 0 all the same.
        smooth_value: as above; 0.1 for "floor" and 1 for "add-k" when None.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, length), or (batch, references, length) for several references of each
            text; a row of padding is no reference. Integers.
        preds: (batch, another length), integers.
        sample_weight: (batch,); a text of weight 2 counts as two.

    State:
        matches: the number of matching n-grams of each order, (2, max_order), pairs as `_sums`
            keeps them.
        ngrams: that of all n-grams of the texts, likewise.
        lengths: c and r, likewise, (2, 2).

    Returns:
        A float32 number; NaN when no token was seen.

    Raises:
        ArgumentError: an option is not one of those above, or `target` or `preds` is missing.
        ShapeError: `target` or `preds` are not rows of tokens, or not equally many.
        DataError: tokens are not integers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> bleu = tx.metrics.BLEU(max_order=2)
        >>> the_cat_is_on_the_mat = jnp.array([[1, 2, 3, 4, 1, 5]])
        >>> round(float(bleu(the_cat_is_on_the_mat, jnp.array([[1, 2, 6, 4, 1, 5]]))), 4)
        0.7071

    Reference:
        Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation" (2002).
        Smoothing and the choice of the closest reference are those of sacrebleu, whose scores go
        to 100 and whose default is "exp"; torchmetrics does not smooth orders without a match. Two
        texts of length L take L² comparisons per order.
    """

    matches: jax.Array = MetricState.node()
    ngrams: jax.Array = MetricState.node()
    lengths: jax.Array = MetricState.node()
    max_order: int
    pad_id: int
    smoothing: Smoothing
    smooth_value: float

    def __init__(
        self,
        max_order: int = 4,
        *,
        pad_id: int = 0,
        smoothing: Smoothing = "none",
        smooth_value: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        self.max_order = whole(where, "max_order", max_order)
        self.pad_id = pad_id
        one_of(where, "smoothing", smoothing, tuple(_VALUES))
        self.smoothing = smoothing
        self.smooth_value = _VALUES[smoothing] if smooth_value is None else float(smooth_value)
        if self.smooth_value < 0 or (smooth_value is not None and not _VALUES[smoothing]):
            raise ArgumentError(
                where,
                expected="`smooth_value`, at least 0, for the smoothing 'floor' or 'add-k' only",
                received=f"smoothing={smoothing!r}, smooth_value={describe(smooth_value)}",
                fix="Leave it out, or choose one of these smoothings.",
            )
        super().__init__(on=on, name=name)

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        self.matches = jnp.zeros((2, self.max_order), jnp.float32)
        self.ngrams = jnp.zeros((2, self.max_order), jnp.float32)
        self.lengths = jnp.zeros((2, 2), jnp.float32)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Count the n-grams of a batch."""
        where = type(self).__name__
        target, preds = both(where, target, preds)
        target, preds = texts(where, "target", target, (2, 3)), texts(where, "preds", preds, (2,))
        check_rows(where, target, preds)
        weights = align_weights(
            where, 1 if sample_weight is None else sample_weight, preds.shape[:1], jnp.float32
        )
        references = target[:, None] if target.ndim == 2 else target  # (batch, references, length)
        matches, ngrams, lengths = _counts(references, preds, weights, self.pad_id, self.max_order)
        self.matches = _sums.add(self.matches, matches)
        self.ngrams = _sums.add(self.ngrams, ngrams)
        self.lengths = _sums.add(self.lengths, lengths)

    def absorb(self, other: Self) -> None:
        """Add what `other` has counted."""
        self.matches = _sums.add(self.matches, other.matches)
        self.ngrams = _sums.add(self.ngrams, other.ngrams)
        self.lengths = _sums.add(self.lengths, other.lengths)

    def compute(self) -> jax.Array:
        """Return the score over all texts since `reset`."""
        sums = map(_sums.value, (self.matches, self.ngrams, self.lengths))
        score: jax.Array = _score(*sums, self.smooth_value, smoothing=self.smoothing)
        return score


@partial(jax.jit, static_argnames="max_order")
def _counts(
    references: jax.Array, preds: jax.Array, weights: jax.Array, pad_id: int, max_order: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return what a batch adds to matches, n-grams and lengths."""
    references, reference_length = without_padding(references, pad_id)
    tokens, length = without_padding(preds, pad_id)
    count = partial(clipped_counts, max_order=max_order)
    matches = jax.vmap(count)(tokens, length, references, reference_length)
    orders = jnp.arange(max_order, dtype=jnp.int32)
    ngrams = jnp.maximum(length[:, None] - orders[None], 0)
    lengths = jnp.stack([length, reference_lengths(length, reference_length)], axis=-1)
    return _total(matches, weights), _total(ngrams, weights), _total(lengths, weights)


@partial(jax.jit, static_argnames="smoothing")
def _score(
    matches: jax.Array,
    ngrams: jax.Array,
    lengths: jax.Array,
    smooth_value: float,
    smoothing: Smoothing,
) -> jax.Array:
    length, reference_length = lengths
    is_any = jnp.any(matches > 0)
    matches, ngrams = _smoothed(matches, ngrams, smooth_value, smoothing)
    possible = (matches > 0) & (ngrams > 0)
    logs = jnp.log(jnp.where(possible, matches, 1) / jnp.where(possible, ngrams, 1))
    brevity = jnp.minimum(0, 1 - reference_length / jnp.where(length == 0, 1, length))
    score = jnp.where(is_any & jnp.all(possible), jnp.exp(brevity + jnp.mean(logs)), 0)
    return jnp.where(length + reference_length == 0, jnp.nan, score)


def _smoothed(
    matches: jax.Array, ngrams: jax.Array, smooth_value: float, smoothing: Smoothing
) -> tuple[jax.Array, jax.Array]:
    none = matches == 0
    if smoothing == "floor":
        return jnp.where(none, smooth_value, matches), ngrams
    if smoothing == "exp":
        misses = jnp.cumsum(none & (ngrams > 0))
        return jnp.where(none, jnp.float32(0.5) ** misses, matches), ngrams
    if smoothing == "add-k":
        extra = jnp.full(matches.shape, smooth_value, jnp.float32).at[0].set(0)
        return matches + extra, ngrams + extra
    return matches, ngrams


def _total(counts: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the weighted sums of the columns, pairs (2, columns)."""
    totals: jax.Array = jax.vmap(_sums.of, in_axes=1, out_axes=1)(counts * weights[:, None])
    return totals
