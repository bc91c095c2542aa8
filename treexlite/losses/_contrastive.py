"""Contrastive: pairs of the same kind move together, others apart.

What flows in: whether each pair is of the same kind, and its distance or its two embeddings. What
flows out: one value per pair, at least in float32.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError
from treexlite._samples import On
from treexlite.losses._arguments import check_embeddings, floating, number, parts_of, share
from treexlite.losses._distance import between
from treexlite.losses._loss import Loss, Reduction


class Contrastive(Loss):
    """The cost of a pair's distance, `contrastive` for each pair.

    Args:
        margin: as in `contrastive`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `margin` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Contrastive()
        >>> same, distances = jnp.array([1, 0, 0]), jnp.array([0.5, 0.5, 2.0])
        >>> round(float(loss(same, distances)), 3)
        0.167
        >>> a, b = jnp.zeros((3, 2)), jnp.array([[0.5, 0], [0, 0.5], [2, 0]])
        >>> round(float(loss(same, (a, b))), 3)
        0.167
    """

    margin: float

    def __init__(
        self,
        *,
        margin: float = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.margin = number(type(self).__name__, "margin", margin)

    def per_example(self, target: ArrayLike, preds: Any) -> jax.Array:
        """Return `contrastive(target, preds)` with the margin of this loss."""
        return contrastive(target, preds, margin=self.margin)


def contrastive(target: ArrayLike, preds: Any, *, margin: float = 1.0) -> jax.Array:
    """Compute t · d² + (1 - t) · max(margin - d, 0)² of each pair.

    Args:
        target: t, 1 (or True) for pairs of the same kind, 0 for others.
        preds: the distances d; or a pair of embeddings, a tuple or a dict with keys "a" and "b",
            whose Euclidean distance is d. Their dtype is that of the result, but at least float32.
        margin: how far apart pairs of different kinds have to be to cost nothing.

    Shapes:
        target: (batch,); also (batch, 1) for distances of that shape.
        preds: (batch,) or (batch, 1) for distances, twice (batch, features) for embeddings.
        returns: (batch,).

    Returns:
        One value per pair. Equal embeddings have no direction to move apart, and a gradient of 0.
        A target that is traced, and therefore not checked, gives NaN when it is out of range.

    Raises:
        ShapeError: the shapes do not fit together.
        StructureError: `preds` are neither an array nor a pair.
        DataError: `preds` do not hold numbers.
        RangeError: an entry of `target` is not between 0 and 1.
        ArgumentError: `margin` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.contrastive(jnp.array([1, 0]), jnp.array([3.0, 0.25])).tolist()
        [9.0, 0.5625]

    Reference:
        Hadsell et al., "Dimensionality Reduction by Learning an Invariant Mapping" (2006), who
        halve the value, and say 1 for pairs of different kinds. As in TensorFlow Addons.
    """
    where = "contrastive"
    margin = number(where, "margin", margin)
    if isinstance(preds, (tuple, list, dict)):
        a, b = parts_of(where, preds, ("a", "b"))
        check_embeddings(where, a=a, b=b)
        d = between(a, b, "euclidean")
    else:
        d = _flat(floating(where, "preds", preds))
    t = _flat(floating(where, "target", target))
    if d.ndim != 1 or t.shape != d.shape:
        raise ShapeError(
            where,
            expected="`target` and distances of one shape (batch,)",
            received=f"target.shape={t.shape}, distances.shape={d.shape}",
            fix="Give one number per pair: 1 when both are of the same kind, otherwise 0.",
        )
    t = share(where, "target", t)
    return t * jnp.square(d) + (1 - t) * jnp.square(jnp.maximum(margin - d, 0))


def _flat(x: jax.Array) -> jax.Array:
    return x[:, 0] if x.ndim == 2 and x.shape[-1] == 1 else x
