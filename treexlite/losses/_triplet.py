"""Triplet: an anchor is nearer to its positive than to its negative, by a margin.

What flows in: three embeddings for each example. What flows out: one value per example, at least in
float32.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._samples import On
from treexlite.losses._arguments import check_embeddings, number, parts_of
from treexlite.losses._distance import Distance, between, check_distance
from treexlite.losses._loss import Loss, Reduction


class Triplet(Loss):
    """What an anchor's positive lacks to be nearer than its negative, `triplet` for each example.

    `TripletHard` and `TripletSemiHard` find the triplets in a batch with labels.

    Args:
        margin: as in `triplet`.
        distance: as in `triplet`.
        swap: as in `triplet`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`; of predictions only.
        name: as in `Loss`.

    Raises:
        ArgumentError: `margin` is below 0.
        UnknownNameError: `distance` is none of the three.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Triplet(margin=1.0)
        >>> anchor, positive, negative = jnp.array([[[0.0, 0]], [[0, 3]], [[2.5, 0]]])
        >>> float(loss(None, (anchor, positive, negative)))
        1.5
    """

    reads_target = False
    margin: float
    distance: Distance
    swap: bool

    def __init__(
        self,
        *,
        margin: float = 1.0,
        distance: Distance = "euclidean",
        swap: bool = False,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        check_distance(type(self).__name__, distance)
        self.margin = number(type(self).__name__, "margin", margin)
        self.distance = distance
        self.swap = swap

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return `triplet(target, preds)` with the options of this loss."""
        return triplet(target, preds, margin=self.margin, distance=self.distance, swap=self.swap)


def triplet(
    target: Any,
    preds: Any,
    *,
    margin: float = 1.0,
    distance: Distance = "euclidean",
    swap: bool = False,
) -> jax.Array:
    """Compute max(d(anchor, positive) - d(anchor, negative) + margin, 0) of each example.

    Args:
        target: not read, None.
        preds: the embeddings: a tuple (anchor, positive, negative), or a dict with these keys.
            Their dtype is that of the result, but at least float32.
        margin: by how much the negative has to be farther away to cost nothing.
        distance: d: "euclidean", "squared_euclidean", or "cosine", which is 1 - cos of the angle.
        swap: whether the positive takes the anchor's place where it is nearer to the negative.

    Shapes:
        preds: three times (batch, features).
        returns: (batch,).

    Returns:
        One value per example. At a distance of 0 the gradient of the distance is 0.

    Raises:
        StructureError: `preds` are not three parts.
        ShapeError: the parts are not of one shape (batch, features).
        DataError: a part does not hold numbers.
        ArgumentError: `margin` is below 0.
        UnknownNameError: `distance` is none of the three.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> anchor, positive, negative = jnp.array([[[0.0, 0]], [[0, 3]], [[2.5, 0]]])
        >>> tx.losses.triplet(None, (anchor, positive, negative), margin=0.25).tolist()
        [0.75]

    Reference:
        Schroff et al., "FaceNet" (2015), with squared distances; Balntas et al., "Learning local
        feature descriptors with triplets" (2016), for the swap. torch adds 1e-6 to each difference,
        so that a distance is never 0; we do not.
    """
    where = "triplet"
    margin = number(where, "margin", margin)
    check_distance(where, distance)
    anchor, positive, negative = parts_of(where, preds, ("anchor", "positive", "negative"))
    check_embeddings(where, anchor=anchor, positive=positive, negative=negative)
    near = between(anchor, positive, distance)
    far = between(anchor, negative, distance)
    if swap:
        far = jnp.minimum(far, between(positive, negative, distance))
    return jnp.maximum(near - far + margin, 0)
