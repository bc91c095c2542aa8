"""`Perplexity`: among how many tokens a language model hesitates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._samples import On, align_weights
from treexlite.metrics._arguments import both
from treexlite.metrics._mean import Mean
from treexlite.metrics._probabilities import at_label, of_classes


class Perplexity(Mean):
    """The exponential of the mean surprise per token: exp(mean of -log p(token)).

    The mean is over all tokens that were seen, so batches of unequal length and masked tokens count
    as they should; a mean of the perplexities of batches does not.

    Args:
        ignore_index: a label whose tokens do not count, such as -100; None counts all.
        from_logits: whether `preds` are logits, as language models return them; otherwise they are
            probabilities, of which 0 makes the perplexity infinite.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target: (batch, ..., time), integers.
        preds: (batch, ..., time, tokens), one score for each token of the vocabulary.
        sample_weight: the first axes of `target`: a weight for each text, or a mask of its tokens.

    State:
        total: the weighted sum of -log p, (2,), as `_sums` keeps it.
        count: the sum of the weights, likewise.

    Returns:
        A float32 number, at least 1; NaN when no token was seen. A traced label without a token,
        other than `ignore_index`, makes it NaN.

    Raises:
        ArgumentError: `target` or `preds` is missing.
        ShapeError: `target` and `preds` do not fit together.
        DataError: labels are not integers.
        RangeError: a label has no token, or a probability is outside of [0, 1].

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> perplexity = tx.metrics.Perplexity(ignore_index=-100)
        >>> target = jnp.array([[0, 2, -100], [1, -100, -100]])
        >>> round(float(perplexity(target, jnp.zeros((2, 3, 4)))), 4)
        4.0

    Reference:
        Jelinek et al., "Perplexity, a measure of the difficulty of speech recognition tasks"
        (1977). torchmetrics takes the logarithm of a softmax, which is infinite for logits far
        apart; here it is exact.
    """

    ignore_index: int | None
    from_logits: bool

    def __init__(
        self,
        ignore_index: int | None = None,
        *,
        from_logits: bool = True,
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.ignore_index = ignore_index
        self.from_logits = from_logits
        super().__init__(on=on, name=name)

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Add the tokens of a batch that are not ignored."""
        where = type(self).__name__
        target, preds = both(where, target, preds)
        if self.ignore_index is not None:
            weights: ArrayLike = 1 if sample_weight is None else sample_weight
            weights = align_weights(where, weights, target.shape, jnp.float32)
            sample_weight = jnp.where(target == self.ignore_index, 0, weights)
            target = jnp.where(target == self.ignore_index, 0, target)
        super().accumulate(target, preds, sample_weight)

    def compute(self) -> jax.Array:
        """Return the perplexity over all tokens since `reset`."""
        return jnp.exp(super().compute())

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return -log p of each token, (batch, ..., time)."""
        where = type(self).__name__
        labels, scores = of_classes(where, *both(where, target, preds), self.from_logits)
        of_label = at_label(labels, scores)
        return -of_label if self.from_logits else -jnp.log(of_label)
