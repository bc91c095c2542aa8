"""Quantile losses: lines of different slopes, so that a part of the targets ends up below.

What flows in: targets, and one prediction for each or one for each quantile of each. What flows
out: one value per example, at least in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite._samples import On
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._pairs import alike, in_single, mean_of_features


class Quantile(Loss):
    """The pinball loss, smallest at a quantile of the targets: `quantile` for each example.

    Args:
        q: as in `quantile`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `q` is neither a number between 0 and 1 nor a list of them.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Quantile(q=0.75)
        >>> float(loss(jnp.array([1.0, 1.0]), jnp.array([0.0, 2.0])))
        0.5
        >>> loss = tx.losses.Quantile(q=[0.25, 0.75])  # an interval: two outputs per target
        >>> float(loss(jnp.array([1.0]), jnp.array([[0.0, 2.0]])))
        0.25
    """

    q: float | tuple[float, ...]

    def __init__(
        self,
        q: float | Sequence[float] = 0.5,
        *,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.q = _levels(type(self).__name__, q)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `quantile(target, preds)` with the option of this loss."""
        return quantile(target, preds, q=self.q)


def quantile(target: ArrayLike, preds: ArrayLike, *, q: float | Sequence[float] = 0.5) -> jax.Array:
    """Compute the pinball loss of each example: mean over features of max(q · e, (q - 1) · e).

    e is target - preds. A prediction that is too low costs q for each unit, one that is too high
    costs 1 - q, so the best one has a share q of the targets below it.

    Args:
        target: the true values.
        preds: the predicted values; for several quantiles, one for each on an axis of their own.
        q: which quantile, between 0 and 1; 0.5 is the median, with half the absolute error. A list
            is several at once, whose losses are averaged.

    Shapes:
        target: (batch, ..., features), or (batch,) when each example is one number.
        preds: that of `target` for one quantile, where one of the two may lack a last axis of size
            1. For several: that of `target` and (quantiles,) after it, or in place of a last axis
            of size 1.
        returns: (batch, ...); (batch,) for (batch,).

    Raises:
        ShapeError: the shapes do not fit together.
        ArgumentError: `q` is neither a number between 0 and 1 nor a list of them.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.quantile(jnp.array([1.0, 1.0]), jnp.array([0.0, 2.0]), q=0.75).tolist()
        [0.75, 0.25]

    Reference:
        Koenker and Bassett, "Regression Quantiles" (1978). `mean_pinball_loss` of scikit-learn,
        which calls q `alpha`.
    """
    where = "quantile"
    levels = _levels(where, q)
    target, preds = jnp.asarray(target), jnp.asarray(preds)
    if isinstance(levels, float):
        target, preds = alike(where, target, preds)
        return mean_of_features(_pinball(target - preds, levels))
    if target.ndim == preds.ndim and target.shape == (*preds.shape[:-1], 1):
        target = target[..., 0]  # (batch, 1) -> (batch,)
    if preds.shape != (*target.shape, len(levels)):
        raise ShapeError(
            where,
            expected=f"`preds` of shape {(*target.shape, len(levels))}, the quantiles last",
            received=f"target.shape={target.shape}, preds.shape={preds.shape}",
            fix="Put the quantiles on the last axis of `preds`, after all axes of `target`.",
        )
    preds = in_single(preds)
    errors = target.astype(preds.dtype)[..., None] - preds  # (batch, ..., quantiles)
    slopes = jnp.asarray(levels, preds.dtype).reshape((1,) * target.ndim + (-1,))
    return mean_of_features(jnp.mean(_pinball(errors, slopes), axis=-1))


def _pinball(error: jax.Array, q: float | jax.Array) -> jax.Array:
    return jnp.maximum(q * error, (q - 1) * error)


def _levels(where: str, q: Any) -> float | tuple[float, ...]:
    try:
        levels = np.asarray(q, np.float64)
    except (TypeError, ValueError):  # text, a traced array
        levels = np.array(np.nan)
    if levels.ndim > 1 or levels.size == 0 or not ((levels > 0) & (levels < 1)).all():
        raise ArgumentError(
            where,
            expected="`q` to be a number between 0 and 1, or a list of them",
            received=f"q={describe(q)}",
            fix="Use 0.5 for the median, or `[0.05, 0.5, 0.95]` for an interval around it.",
        )
    return tuple(levels.tolist()) if levels.ndim else float(levels)
