"""NT-Xent: telling the other view of an example from all other views in the batch.

What flows in: two embeddings for each example. What flows out: one value per example, at least in
float32. Absent examples are neither asked about nor answers.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses._arguments import check_embeddings, check_mask, number, parts_of
from treexlite.losses._distance import similarities, unit
from treexlite.losses._loss import Loss, Reduction


class NTXent(Loss):
    """The surprise at which of all other views is of the same example, `nt_xent` over a batch.

    Args:
        temperature: as in `nt_xent`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`; of predictions only.
        name: as in `Loss`.

    Raises:
        ArgumentError: `temperature` is not above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.NTXent(temperature=1.0)
        >>> round(float(loss(None, (jnp.eye(2), jnp.eye(2)))), 3)
        0.551
    """

    reads_target = False
    temperature: float

    def __init__(
        self,
        *,
        temperature: float = 0.07,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.temperature = number(type(self).__name__, "temperature", temperature, positive=True)

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the value of each pair, all examples being present."""
        return self.values(target, preds, None)

    def values(self, target: Any, preds: Any, present: jax.Array | None) -> jax.Array:
        """Return `nt_xent(target, preds)` of those who are present."""
        return nt_xent(target, preds, temperature=self.temperature, mask=present)


def nt_xent(
    target: Any,
    preds: Any,
    *,
    temperature: float | jax.Array = 0.07,
    mask: ArrayLike | None = None,
) -> jax.Array:
    """Compute the normalized, temperature-scaled cross-entropy of two views of each example.

    Of the two views of all examples, a view has to find its partner by the cosine, divided by the
    temperature: minus the log of the softmax over all views but itself. The value of an example is
    the mean over its two views.

    Args:
        target: not read, None.
        preds: the embeddings: a tuple (view_a, view_b), or a dict with these keys. Their dtype is
            that of the result, but at least float32.
        temperature: above 0. 0.07 is usual for large models; the paper takes 0.5 for small ones.
        mask: as in `info_nce`.

    Shapes:
        preds: twice (batch, features).
        mask: (batch,).
        returns: (batch,).

    Raises:
        StructureError: `preds` are not two parts.
        ShapeError: the shapes do not fit together.
        DataError: a part does not hold numbers.
        ArgumentError: `temperature` is not above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> values = tx.losses.nt_xent(None, (jnp.eye(2), jnp.eye(2)), temperature=1.0)
        >>> round(float(values[0]), 3)
        0.551

    Reference:
        Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations"
        (SimCLR, 2020). `optax.losses.ntxent` takes one array of views, with labels that say which
        belong together, and returns the mean.
    """
    where = "nt_xent"
    temperature = number(where, "temperature", temperature, positive=True)
    view_a, view_b = parts_of(where, preds, ("view_a", "view_b"))
    check_embeddings(where, view_a=view_a, view_b=view_b)
    batch = view_a.shape[0]
    present = check_mask(where, mask, batch)
    views = unit(jnp.concatenate([view_a, view_b]))  # (2 batch, features)
    logits = similarities(views, views) / temperature
    hidden = jnp.eye(2 * batch, dtype=bool)
    partner = jnp.roll(hidden, batch, axis=1)
    if present is not None:
        both = jnp.tile(present, 2)
        hidden |= ~(both[:, None] & both[None, :]) & ~partner
    log_q = jax.nn.log_softmax(jnp.where(hidden, -jnp.inf, logits), axis=1)
    found = jnp.sum(jnp.where(partner, log_q, 0), axis=1)
    return -(found[:batch] + found[batch:]) / 2
