"""Jaccard: one minus intersection over union.

What flows in and out: as in `_overlap`, where the shared options are.
"""

from __future__ import annotations

import jax
from jax.typing import ArrayLike

from treexlite.losses._arguments import number
from treexlite.losses._overlap import Average, OverlapLoss, overlap_loss


class Jaccard(OverlapLoss):
    """One minus intersection over union, `jaccard` for each example.

    Args:
        average: as in `jaccard`.
        smooth: as in `jaccard`.
        from_logits: as in `jaccard`.
        multilabel: as in `jaccard`.
        include_background: as in `jaccard`.
        ignore_index: as in `jaccard`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        UnknownNameError: `average` is none of the three.
        ArgumentError: `smooth` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Jaccard(from_logits=False, smooth=0)
        >>> target = jnp.array([[1.0, 1, 0, 0]])[..., None]
        >>> preds = jnp.array([[1.0, 0, 0, 0]])[..., None]
        >>> float(loss(target, preds))
        0.5
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `jaccard(target, preds)` with the options of this loss."""
        return jaccard(
            target,
            preds,
            average=self.average,
            smooth=self.smooth,
            from_logits=self.from_logits,
            multilabel=self.multilabel,
            include_background=self.include_background,
            ignore_index=self.ignore_index,
        )


def jaccard(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    average: Average = "macro",
    smooth: float = 1.0,
    from_logits: bool = True,
    multilabel: bool = False,
    include_background: bool = True,
    ignore_index: int | None = None,
) -> jax.Array:
    """Compute 1 - (I + s) / (U + s), where I = Σ p · t and U = Σ p + Σ t - I; over pixels.

    Args:
        target: as in `dice`.
        preds: as in `dice`.
        average: as in `dice`.
        smooth: s, as in `dice`.
        from_logits: as in `dice`.
        multilabel: as in `dice`.
        include_background: as in `dice`.
        ignore_index: as in `dice`.

    Shapes:
        target, preds, returns: as in `dice`.

    Returns:
        Values from 0 to 1, as in `dice`.

    Raises:
        ShapeError, DataError, RangeError, UnknownNameError, ArgumentError: as in `dice`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> labels, preds = jnp.array([[0, 0, 1, 1]]), jnp.eye(2)[jnp.array([[0, 1, 1, 1]])]
        >>> tx.losses.jaccard(labels, preds, from_logits=False, smooth=0, average="none").round(3)
        Array([[0.5  , 0.333]], dtype=float32)

    Reference:
        Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks" (2016). It is
        `tversky` with alpha = beta = 1. Keras has this only as a metric.
    """
    return overlap_loss(
        "jaccard",
        target,
        preds,
        alpha=1.0,
        beta=1.0,
        average=average,
        smooth=number("jaccard", "smooth", smooth),
        from_logits=from_logits,
        multilabel=multilabel,
        include_background=include_background,
        ignore_index=ignore_index,
    )
