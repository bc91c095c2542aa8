"""`SpearmanCorrelation`: how far predictions are in the order of the targets.

What flows in: targets and predictions. What flows out: one number. What may mutate: the buffer that
keeps the examples, since ranks are known only when all are.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite.metrics import _moments, _sums
from treexlite.metrics._buffer import Buffered
from treexlite.metrics._numbers import paired_outputs


class SpearmanCorrelation(Buffered):
    """The correlation of ranks: that of Pearson, of the ranks of targets and predictions.

    Equal numbers share the mean of their ranks. An example of weight w ranks as w equal examples.

    Args:
        capacity: the largest number of examples that are kept, as in `Buffered`.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        target, preds: (batch,) or (batch, ..., 1).
        sample_weight: the first axes of (batch, ...).

    State:
        rows, weights, filled: the examples, as in `Buffered`.

    Returns:
        A float32 number from -1 to 1; NaN when nothing was seen, when targets or predictions do not
        vary, or when one of them is NaN, which has no rank.

    Raises:
        ArgumentError: `capacity` is not a whole number above 0; `target` or `preds` is missing.
        ShapeError: the shapes differ, or hold more than one number for each example.
        DataError: there are more examples than `capacity`, and they are not traced; traced ones
            make the value NaN.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> spearman = tx.metrics.SpearmanCorrelation(capacity=100)
        >>> float(spearman(jnp.array([1.0, 2.0, 3.0]), jnp.array([1.0, 10.0, 1000.0])))
        1.0

    Reference:
        `scipy.stats.spearmanr`; `torchmetrics.SpearmanCorrCoef`, whose lists grow with the data.
        Neither takes weights.
    """

    columns = 2

    def per_example(self, target: Any, preds: Any) -> tuple[jax.Array, ...]:
        """Return targets and predictions, (batch, ...) each."""
        target, preds = paired_outputs(type(self).__name__, target, preds, 1)
        return target[..., 0], preds[..., 0]

    def of_examples(self, rows: jax.Array, weights: jax.Array) -> jax.Array:
        """Return the correlation of the ranks of `rows` (capacity, 2)."""
        ranks = jnp.stack([_ranks(rows[:, column], weights) for column in range(2)])
        found = _moments.of(ranks[..., None], weights, ((0, 0), (1, 1), (0, 1)))
        in_target, in_preds, in_both = _sums.value(found.products)[:, 0]
        return jnp.clip(in_both / (jnp.sqrt(in_target) * jnp.sqrt(in_preds)), -1, 1)


def _ranks(x: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the mean ranks of the numbers among those whose weight is not 0, in their order.

    The numbers below have rank 1 to b (their weight), equal ones b + 1 to b + e: their mean is
    b + (e + 1) / 2. The constant does not matter here, so it is b + e / 2, the mean of the weights
    up to the first equal number and up to the last.
    """
    present = weights != 0
    keys = jnp.where(present, x, jnp.inf)
    order = jnp.argsort(keys)
    keys, up_to = keys[order], jnp.cumsum(weights[order])
    first = jnp.searchsorted(keys, keys, side="left")
    last = jnp.searchsorted(keys, keys, side="right") - 1
    below = jnp.where(first == 0, 0, up_to[jnp.maximum(first - 1, 0)])
    ranks = (below + up_to[last]) / 2
    ranks = jnp.where(jnp.any(present & jnp.isnan(x)), jnp.nan, ranks)
    return jnp.zeros_like(ranks).at[order].set(ranks)
