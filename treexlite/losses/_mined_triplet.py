"""Triplets that are found in a batch by its labels: the hardest, or half-hard ones.

What flows in: a label and an embedding for each example. What flows out: one value per example, the
anchor of its triplets, at least in float32. Absent examples are in no triplet.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError
from treexlite._samples import On
from treexlite.losses._arguments import check_embeddings, check_mask, floating, number
from treexlite.losses._distance import Distance, check_distance, pairwise
from treexlite.losses._loss import Loss, Reduction


class _MinedTriplet(Loss):
    """Base of the two, with the options that they share."""

    margin: float
    distance: Distance

    def __init__(
        self,
        *,
        margin: float = 1.0,
        distance: Distance = "euclidean",
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        check_distance(type(self).__name__, distance)
        self.margin = number(type(self).__name__, "margin", margin)
        self.distance = distance

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return the value of each anchor, all examples being present."""
        return self.values(target, preds, None)


class TripletHard(_MinedTriplet):
    """Each anchor with its farthest positive and nearest negative, `triplet_hard` over a batch.

    Args:
        margin: as in `triplet_hard`.
        distance: as in `triplet_hard`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `margin` is below 0.
        UnknownNameError: `distance` is none of the three.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> labels, embeddings = jnp.array([0, 0, 1, 1]), jnp.array([[0.0], [1], [3], [7]])
        >>> float(tx.losses.TripletHard()(labels, embeddings))
        0.75
    """

    def values(self, target: ArrayLike, preds: ArrayLike, present: jax.Array | None) -> jax.Array:
        """Return `triplet_hard(target, preds)` of those who are present."""
        return triplet_hard(target, preds, margin=self.margin, distance=self.distance, mask=present)


class TripletSemiHard(_MinedTriplet):
    """Each positive pair with the next farther negative, `triplet_semi_hard` over a batch.

    Args:
        margin: as in `triplet_semi_hard`.
        distance: as in `triplet_semi_hard`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `margin` is below 0.
        UnknownNameError: `distance` is none of the three.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> labels, embeddings = jnp.array([0, 0, 1, 1]), jnp.array([[0.0], [1], [3], [7]])
        >>> float(tx.losses.TripletSemiHard()(labels, embeddings))
        0.5
    """

    def values(self, target: ArrayLike, preds: ArrayLike, present: jax.Array | None) -> jax.Array:
        """Return `triplet_semi_hard(target, preds)` of those who are present."""
        return triplet_semi_hard(
            target, preds, margin=self.margin, distance=self.distance, mask=present
        )


def triplet_hard(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    margin: float = 1.0,
    distance: Distance = "euclidean",
    mask: ArrayLike | None = None,
) -> jax.Array:
    """Compute max(max d(anchor, positive) - min d(anchor, negative) + margin, 0) of each anchor.

    Positives are the other examples of the anchor's label, negatives those of other labels.

    Args:
        target: the labels; any numbers that are equal for the same kind.
        preds: the embeddings. Their dtype is that of the result, but at least float32.
        margin: as in `triplet`.
        distance: as in `triplet`.
        mask: which examples are present; the others are in no triplet, and their value means
            nothing. A `Loss` passes its mask, and which weights are not 0.

    Shapes:
        target, mask: (batch,).
        preds: (batch, features).
        returns: (batch,).

    Returns:
        One value per anchor, 0 for one without a positive or without a negative; it counts in the
        mean.

    Raises:
        ShapeError: the shapes do not fit together.
        DataError: `preds` are not one array of numbers.
        ArgumentError: `margin` is below 0.
        UnknownNameError: `distance` is none of the three.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> labels, embeddings = jnp.array([0, 0, 1, 1]), jnp.array([[0.0], [1], [3], [7]])
        >>> tx.losses.triplet_hard(labels, embeddings).tolist()
        [0.0, 0.0, 3.0, 0.0]

    Reference:
        Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification" (2017), "batch
        hard".
    """
    where = "triplet_hard"
    margin = number(where, "margin", margin)
    d, positive, negative = _pairs(where, target, preds, distance, mask)
    farthest = jnp.max(jnp.where(positive, d, -jnp.inf), axis=1)
    nearest = jnp.min(jnp.where(negative, d, jnp.inf), axis=1)
    is_complete = jnp.any(positive, axis=1) & jnp.any(negative, axis=1)
    return _hinge(farthest, nearest, margin, is_complete)


def triplet_semi_hard(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    margin: float = 1.0,
    distance: Distance = "euclidean",
    mask: ArrayLike | None = None,
) -> jax.Array:
    """Compute the mean over positives of max(d(anchor, positive) - d(anchor, n) + margin, 0).

    n is the nearest negative that is farther away than the positive; when there is none, the
    farthest negative. The hardest negatives of `triplet_hard` can pull all embeddings to one point
    early in training; these do so less.

    Args:
        target: as in `triplet_hard`.
        preds: as in `triplet_hard`.
        margin: as in `triplet`.
        distance: as in `triplet`.
        mask: as in `triplet_hard`.

    Shapes:
        target, preds, mask, returns: as in `triplet_hard`.

    Returns:
        One value per anchor, as in `triplet_hard`.

    Raises:
        ShapeError, DataError, ArgumentError, UnknownNameError: as in `triplet_hard`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> labels, embeddings = jnp.array([0, 0, 1, 1]), jnp.array([[0.0], [1], [3], [7]])
        >>> tx.losses.triplet_semi_hard(labels, embeddings).tolist()
        [0.0, 0.0, 2.0, 0.0]

    Reference:
        Schroff et al., "FaceNet" (2015). TensorFlow Addons divides the sum over all pairs by their
        number, where an anchor with more positives counts more.
    """
    where = "triplet_semi_hard"
    margin = number(where, "margin", margin)
    d, positive, negative = _pairs(where, target, preds, distance, mask)
    ordered = jnp.sort(jnp.where(negative, d, jnp.inf), axis=1)  # per anchor, negatives first
    last = jnp.sum(negative, axis=1)[:, None] - 1
    farther = jax.vmap(lambda row, of: jnp.searchsorted(row, of, side="right"))(ordered, d)
    chosen = jnp.take_along_axis(ordered, jnp.clip(farther, 0, jnp.maximum(last, 0)), axis=1)
    is_complete = positive & (last >= 0)
    values = _hinge(d, chosen, margin, is_complete)  # (anchor, positive)
    return jnp.sum(values, axis=1) / jnp.maximum(jnp.sum(positive, axis=1), 1)


def _pairs(
    where: str,
    target: ArrayLike,
    preds: ArrayLike,
    distance: Distance,
    mask: ArrayLike | None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return distances, and which pairs are positive and negative; each (batch, batch)."""
    check_distance(where, distance)
    labels, embeddings = jnp.asarray(target), floating(where, "preds", preds)
    check_embeddings(where, preds=embeddings)
    batch = embeddings.shape[0]
    if labels.shape != (batch,):
        raise ShapeError(
            where,
            expected=f"`target` of shape {(batch,)}, one label per embedding",
            received=f"target.shape={labels.shape}, preds.shape={embeddings.shape}",
            fix="Give class numbers, not one-hot rows: `target.argmax(-1)`.",
        )
    present = check_mask(where, mask, batch)
    same = labels[:, None] == labels[None, :]
    is_pair = ~jnp.eye(batch, dtype=bool)
    if present is not None:
        is_pair &= present[:, None] & present[None, :]
    return pairwise(embeddings, distance), same & is_pair, ~same & is_pair


def _hinge(near: jax.Array, far: jax.Array, margin: float, is_complete: jax.Array) -> jax.Array:
    """Return max(near - far + margin, 0), and 0 where a positive or a negative is missing."""
    gap = jnp.where(is_complete, near, 0) - jnp.where(is_complete, far, 0)
    return jnp.where(is_complete, jnp.maximum(gap + margin, 0), 0)
