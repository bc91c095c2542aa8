"""Tversky: losses of overlap that weigh false alarms and misses differently.

What flows in and out: as in `_overlap`, where the shared options are.
"""

from __future__ import annotations

import jax
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses._arguments import number
from treexlite.losses._loss import Reduction
from treexlite.losses._overlap import Average, OverlapLoss, overlap_loss


class Tversky(OverlapLoss):
    """One minus the Tversky index, `tversky` for each example.

    Args:
        alpha: as in `tversky`.
        beta: as in `tversky`.
        gamma: as in `tversky`.
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
        ArgumentError: `alpha`, `beta` or `smooth` are below 0, or `gamma` is not above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Tversky(alpha=0.2, beta=0.8, from_logits=False, smooth=0)
        >>> target = jnp.array([[1.0, 1, 0, 0]])[..., None]
        >>> missing = jnp.array([[1.0, 0, 0, 0]])[..., None]
        >>> surplus = jnp.array([[1.0, 1, 1, 0]])[..., None]
        >>> round(float(loss(target, missing)), 3), round(float(loss(target, surplus)), 3)
        (0.444, 0.091)
    """

    alpha: float
    beta: float
    gamma: float

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 1.0,
        average: Average = "macro",
        smooth: float = 1.0,
        from_logits: bool = True,
        multilabel: bool = False,
        include_background: bool = True,
        ignore_index: int | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            average=average,
            smooth=smooth,
            from_logits=from_logits,
            multilabel=multilabel,
            include_background=include_background,
            ignore_index=ignore_index,
            reduction=reduction,
            weight=weight,
            on=on,
            name=name,
        )
        where = type(self).__name__
        self.alpha = number(where, "alpha", alpha)
        self.beta = number(where, "beta", beta)
        self.gamma = number(where, "gamma", gamma, positive=True)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `tversky(target, preds)` with the options of this loss."""
        return tversky(
            target,
            preds,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            average=self.average,
            smooth=self.smooth,
            from_logits=self.from_logits,
            multilabel=self.multilabel,
            include_background=self.include_background,
            ignore_index=self.ignore_index,
        )


def tversky(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 1.0,
    average: Average = "macro",
    smooth: float = 1.0,
    from_logits: bool = True,
    multilabel: bool = False,
    include_background: bool = True,
    ignore_index: int | None = None,
) -> jax.Array:
    """Compute (1 - (TP + s) / (TP + alpha · FP + beta · FN + s)) ** gamma of each example.

    TP = Σ p · t, FP = Σ p · (1 - t) and FN = Σ (1 - p) · t are sums over pixels.

    Args:
        target: as in `dice`.
        preds: as in `dice`.
        alpha: the weight of false alarms, at least 0.
        beta: the weight of misses, at least 0. Above `alpha` it finds more of a small class, at the
            price of false alarms.
        gamma: the power of the loss, above 0. Below 1, such as 0.75, what is hardly wrong any more
            still counts: the focal Tversky loss. A perfect overlap has no gradient then.
        average: as in `dice`; with `gamma`, classes are averaged after the power.
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
        ShapeError, DataError, RangeError, UnknownNameError: as in `dice`.
        ArgumentError: `alpha`, `beta` or `smooth` are below 0, or `gamma` is not above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([[1, 1, 1, 0]]), jnp.array([[[1.0], [0], [0], [0]]])
        >>> tx.losses.tversky(target, preds, beta=0.5, from_logits=False, smooth=0).tolist()
        [0.5]
        >>> tx.losses.tversky(target, preds, beta=1.5, from_logits=False, smooth=0).tolist()
        [0.75]

    Reference:
        Salehi et al., "Tversky loss function for image segmentation using 3D fully convolutional
        deep networks" (2017); Abraham and Khan, "A novel focal Tversky loss function" (2019), whose
        alpha is our beta and whose gamma is the inverse of ours. As in the first paper and in the
        words of Keras, `alpha` weighs false alarms; what Keras 3 computes has the two exchanged.
    """
    where = "tversky"
    return overlap_loss(
        where,
        target,
        preds,
        alpha=number(where, "alpha", alpha),
        beta=number(where, "beta", beta),
        gamma=number(where, "gamma", gamma, positive=True),
        average=average,
        smooth=number(where, "smooth", smooth),
        from_logits=from_logits,
        multilabel=multilabel,
        include_background=include_background,
        ignore_index=ignore_index,
    )
