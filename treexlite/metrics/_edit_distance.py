"""`EditDistance` and `WordErrorRate`: how many edits turn one text into another.

What flows in: texts and references as padded token ids. What flows out: a mean or a rate. What may
mutate: the sums, in `update`, `absorb` and `reset`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from treexlite._samples import On, align_weights
from treexlite.metrics import _sums
from treexlite.metrics._arguments import both
from treexlite.metrics._mean import Mean
from treexlite.metrics._tokens import check_rows, texts, without_padding


class EditDistance(Mean):
    """The mean Levenshtein distance: the fewest insertions, deletions and substitutions.

    Args:
        pad_id: the id that stands for no token, anywhere in a row.
        normalize: whether each distance is divided by the length of its reference. Between two
            empty texts it is 0 then, and infinite when only the reference is empty.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, length), integers.
        preds: (batch, another length), integers.
        sample_weight: (batch,).

    State:
        total: the weighted sum of the distances, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number, at least 0; NaN when nothing was seen.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` or `preds` are not rows of tokens, or not equally many.
        DataError: tokens are not integers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> distance = tx.metrics.EditDistance()
        >>> kitten, sitting = jnp.array([[1, 2, 3, 3, 4, 5, 0]]), jnp.array([[6, 2, 3, 3, 2, 5, 7]])
        >>> float(distance(target=sitting, preds=kitten))
        3.0

    Reference:
        Levenshtein, "Binary codes capable of correcting deletions, insertions and reversals"
        (1966). `normalize` is that of `tf.edit_distance`.
    """

    pad_id: int
    normalize: bool

    def __init__(
        self,
        *,
        pad_id: int = 0,
        normalize: bool = False,
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.pad_id = pad_id
        self.normalize = normalize
        super().__init__(on=on, name=name)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the distance of each text, (batch,)."""
        distances, lengths = _distances(type(self).__name__, target, preds, self.pad_id)
        if not self.normalize:
            return distances
        return jnp.where(distances == 0, 0, distances / lengths)


class WordErrorRate(Mean):
    """The edits of all texts, divided by the words of all references: the word error rate.

    With ids of characters it is the character error rate. It is above 1 when there are more edits
    than words.

    Args:
        pad_id: the id that stands for no token, anywhere in a row.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, length), integers.
        preds: (batch, another length), integers.
        sample_weight: (batch,).

    State:
        total: the weighted number of edits, (2,), as `_sums` keeps it.
        count: the weighted number of words in references, likewise.

    Returns:
        A float32 number, at least 0; NaN when nothing was seen, infinite when there are edits and
        no word in any reference.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` or `preds` are not rows of tokens, or not equally many.
        DataError: tokens are not integers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> rate = tx.metrics.WordErrorRate()
        >>> float(rate(jnp.array([[1, 2, 3, 4], [5, 6, 7, 8]]), jnp.array([[1, 3, 4], [5, 6, 9]])))
        0.375

    Reference:
        torchmetrics and jiwer compute the same of strings. Weights are new.
    """

    pad_id: int

    def __init__(self, *, pad_id: int = 0, on: On = None, name: str | None = None) -> None:
        self.pad_id = pad_id
        super().__init__(on=on, name=name)

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the edits and the words of a batch."""
        where = type(self).__name__
        distances, lengths = _distances(where, target, preds, self.pad_id)
        if sample_weight is not None:
            weights = align_weights(where, sample_weight, distances.shape, jnp.float32)
            distances, lengths = distances * weights, lengths * weights
        self.total = _sums.add(self.total, _sums.of(distances))
        self.count = _sums.add(self.count, _sums.of(lengths))


def _distances(where: str, target: Any, preds: Any, pad_id: int) -> tuple[jax.Array, jax.Array]:
    """Return the distance of each text and the length of its reference, float32."""
    target, preds = both(where, target, preds)
    target, preds = texts(where, "target", target, (2,)), texts(where, "preds", preds, (2,))
    check_rows(where, target, preds)
    distances, lengths = _of_rows(target, preds, pad_id)
    return distances, lengths


@jax.jit
def _of_rows(target: jax.Array, preds: jax.Array, pad_id: int) -> tuple[jax.Array, jax.Array]:
    references, lengths = without_padding(target, pad_id)
    distances = jax.vmap(_levenshtein)(*without_padding(preds, pad_id), references, lengths)
    return distances.astype(jnp.float32), lengths.astype(jnp.float32)


def _levenshtein(a: jax.Array, a_length: jax.Array, b: jax.Array, b_length: jax.Array) -> jax.Array:
    """Return the distance between the first tokens of `a` and of `b`.

    Row i of the table holds the distances from the first i tokens of `a` to all beginnings of `b`.
    An entry is the least of three: two in the row above, and its left neighbour plus 1. The last
    one would make a loop; but over the whole row it is a running minimum, of entries minus place.
    """
    places = jnp.arange(b.shape[0] + 1, dtype=jnp.int32)

    def next_row(row: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        i, token = step
        from_above = (row + 1).at[1:].min(row[:-1] + (b != token))
        new = lax.cummin(from_above - places) + places
        return jnp.where(i < a_length, new, row), None

    last, _ = lax.scan(next_row, places, (jnp.arange(a.shape[0]), a))
    return last[b_length]
