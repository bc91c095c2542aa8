"""InfoNCE: telling the key of a query from the other keys of the batch.

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


class InfoNCE(Loss):
    """The surprise at which key belongs to a query, `info_nce` over a batch.

    Args:
        temperature: as in `info_nce`.
        normalize: as in `info_nce`.
        symmetric: as in `info_nce`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`; of predictions only.
        name: as in `Loss`.

    Raises:
        ArgumentError: `temperature` is not above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.InfoNCE(temperature=1.0, symmetric=True)
        >>> query, key = jnp.eye(2), jnp.eye(2)
        >>> round(float(loss(None, (query, key))), 3)
        0.313
    """

    reads_target = False
    temperature: float
    normalize: bool
    symmetric: bool

    def __init__(
        self,
        *,
        temperature: float = 0.07,
        normalize: bool = True,
        symmetric: bool = False,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.temperature = number(type(self).__name__, "temperature", temperature, positive=True)
        self.normalize = normalize
        self.symmetric = symmetric

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the value of each query, all examples being present."""
        return self.values(target, preds, None)

    def values(self, target: Any, preds: Any, present: jax.Array | None) -> jax.Array:
        """Return `info_nce(target, preds)` of those who are present."""
        return info_nce(
            target,
            preds,
            temperature=self.temperature,
            normalize=self.normalize,
            symmetric=self.symmetric,
            mask=present,
        )


def info_nce(
    target: Any,
    preds: Any,
    *,
    temperature: float | jax.Array = 0.07,
    normalize: bool = True,
    symmetric: bool = False,
    mask: ArrayLike | None = None,
) -> jax.Array:
    """Compute -log softmax over keys of (query · key / temperature), at the key of each query.

    The keys of the other examples are the negatives.

    Args:
        target: not read, None.
        preds: the embeddings: a tuple (query, key), or a dict with these keys, in which row i of
            one belongs to row i of the other. Their dtype is that of the result, but at least
            float32.
        temperature: divides the similarities, above 0. It may be traced, to be learned. With the
            class `InfoNCE`, set it to 1, with `normalize=False`, and let the model return
            normalized embeddings, one of them multiplied by the learned scale.
        normalize: whether the similarity is the cosine; otherwise the product.
        symmetric: whether keys look for their queries too, as in CLIP; the value is the mean of
            both directions.
        mask: which examples are present; the others are no negatives, and their value means
            nothing. A `Loss` passes its mask, and which weights are not 0.

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
        >>> values = tx.losses.info_nce(None, (jnp.eye(2), jnp.eye(2)), temperature=1.0)
        >>> round(float(values[0]), 3)
        0.313

    Reference:
        van den Oord et al., "Representation Learning with Contrastive Predictive Coding" (2018);
        Radford et al., "Learning Transferable Visual Models From Natural Language Supervision"
        (CLIP, 2021), for the symmetric form, and the temperature that it starts from.
    """
    where = "info_nce"
    temperature = number(where, "temperature", temperature, positive=True)
    query, key = parts_of(where, preds, ("query", "key"))
    check_embeddings(where, query=query, key=key)
    present = check_mask(where, mask, query.shape[0])
    if normalize:
        query, key = unit(query), unit(key)
    logits = similarities(query, key) / temperature  # (query, key)
    if present is not None:
        hidden = ~(present[:, None] & present[None, :]) & ~jnp.eye(len(logits), dtype=bool)
        logits = jnp.where(hidden, -jnp.inf, logits)
    loss: jax.Array = -jnp.diagonal(jax.nn.log_softmax(logits, axis=1))
    if symmetric:
        loss = (loss - jnp.diagonal(jax.nn.log_softmax(logits, axis=0))) / 2
    return loss
