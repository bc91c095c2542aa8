"""Dice: twice the intersection over the sum of both sides.

What flows in and out: as in `_overlap`, where the shared options are.
"""

from __future__ import annotations

import jax
from jax.typing import ArrayLike

from treexlite.losses._arguments import number
from treexlite.losses._overlap import Average, OverlapLoss, overlap_loss


class Dice(OverlapLoss):
    """One minus the Dice coefficient, `dice` for each example.

    Args:
        average: as in `dice`.
        smooth: as in `dice`.
        from_logits: as in `dice`.
        multilabel: as in `dice`.
        include_background: as in `dice`.
        ignore_index: as in `dice`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        UnknownNameError: `average` is none of the three.
        ArgumentError: `smooth` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Dice(from_logits=False, smooth=0)
        >>> target = jnp.array([[1.0, 1, 0, 0]])[..., None]
        >>> preds = jnp.array([[1.0, 0, 1, 0]])[..., None]
        >>> float(loss(target, preds))
        0.5
    """

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `dice(target, preds)` with the options of this loss."""
        return dice(
            target,
            preds,
            average=self.average,
            smooth=self.smooth,
            from_logits=self.from_logits,
            multilabel=self.multilabel,
            include_background=self.include_background,
            ignore_index=self.ignore_index,
        )


def dice(
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
    """Compute 1 - (2 · Σ p · t + s) / (Σ p + Σ t + s) of each example; the sums are over pixels.

    Each example has sums of its own, so that the loss of an example does not depend on the others
    in its batch.

    Args:
        target: integer labels, or one probability (0 or 1, usually) per pixel and class. With one
            class, the labels are 1 where it is, and 0 elsewhere.
        preds: the score of each class. Their dtype is that of the result, but at least float32.
        average: "macro" is the mean over classes of the loss of each, in which small classes count
            as much as large ones; "micro" is the loss of sums over classes too; "none" keeps one
            value per class.
        smooth: s, added to numerator and denominator. With 1, a class that is not in the target
            still has a gradient, towards not predicting it. With 0 this is the plain coefficient,
            where a class on neither side costs nothing.
        from_logits: whether `preds` are logits; otherwise they are probabilities.
        multilabel: whether a pixel may belong to several classes. Logits then pass through a
            sigmoid each, as they do when there is only one class; otherwise through a softmax.
        include_background: whether class 0 counts.
        ignore_index: pixels of this label count nowhere, whatever the model says there; needs
            integer labels. None ignores none.

    Shapes:
        target: (batch, ...pixels) or (batch, ...pixels, 1) for labels, the shape of `preds` for
            probabilities.
        preds: (batch, ...pixels, classes), with at least one axis of pixels.
        returns: (batch,), or (batch, classes) when `average` is "none".

    Returns:
        Values from 0 to 1. A label without a class, or a probability that is none, gives NaN where
        the target is traced and cannot be checked.

    Raises:
        ShapeError: the shapes do not fit together, or there is no class but the background.
        DataError: labels are not integers.
        RangeError: a label is below 0, or not below the number of classes; or a probability of the
            target is not between 0 and 1.
        UnknownNameError: `average` is none of the three.
        ArgumentError: `smooth` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> labels, preds = jnp.array([[0, 1, 1, 1]]), jnp.eye(2)[jnp.array([[0, 1, 0, 0]])]
        >>> tx.losses.dice(labels, preds, from_logits=False, smooth=0, average="none").round(3)
        Array([[0.5, 0.5]], dtype=float32)

    Reference:
        Milletari et al., "V-Net" (2016), without the squares in the denominator, as most write it.
        It is `tversky` with alpha = beta = 1/2 and half the `smooth`. Keras takes probabilities,
        has no `smooth` but 1e-7 in the denominator (so that nothing against nothing costs 1), and
        sums over the whole batch unless told the axes: its `axis=(1, 2, 3)` is
        `average="micro", smooth=0, from_logits=False`.
    """
    return overlap_loss(
        "dice",
        target,
        preds,
        alpha=0.5,
        beta=0.5,
        average=average,
        smooth=number("dice", "smooth", smooth) / 2,
        from_logits=from_logits,
        multilabel=multilabel,
        include_background=include_background,
        ignore_index=ignore_index,
    )
