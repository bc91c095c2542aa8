"""Pairwise sigmoid: deciding for each pair of a batch whether it belongs together.

What flows in: two embeddings for each example. What flows out: one value per example, at least in
float32. Absent examples are in no pair.
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


class PairwiseSigmoid(Loss):
    """The surprise at which pairs belong together, `pairwise_sigmoid` over a batch.

    Args:
        temperature: as in `pairwise_sigmoid`.
        bias: as in `pairwise_sigmoid`.
        normalize: as in `pairwise_sigmoid`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`; of predictions only.
        name: as in `Loss`.

    Raises:
        ArgumentError: `temperature` is not above 0, or `bias` is not finite.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.PairwiseSigmoid(temperature=1.0, bias=0.0)
        >>> round(float(loss(None, (jnp.eye(2), jnp.eye(2)))), 3)
        1.006
    """

    reads_target = False
    temperature: float
    bias: float
    normalize: bool

    def __init__(
        self,
        *,
        temperature: float = 0.1,
        bias: float = -10.0,
        normalize: bool = True,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        where = type(self).__name__
        self.temperature = number(where, "temperature", temperature, positive=True)
        self.bias = number(where, "bias", bias, signed=True)
        self.normalize = normalize

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return the value of each first embedding, all examples being present."""
        return self.values(target, preds, None)

    def values(self, target: Any, preds: Any, present: jax.Array | None) -> jax.Array:
        """Return `pairwise_sigmoid(target, preds)` of those who are present."""
        return pairwise_sigmoid(
            target,
            preds,
            temperature=self.temperature,
            bias=self.bias,
            normalize=self.normalize,
            mask=present,
        )


def pairwise_sigmoid(
    target: Any,
    preds: Any,
    *,
    temperature: float | jax.Array = 0.1,
    bias: float | jax.Array = -10.0,
    normalize: bool = True,
    mask: ArrayLike | None = None,
) -> jax.Array:
    """Compute -Σ over j of log sigmoid(± (a_i · b_j / temperature + bias)) of each example i.

    The sign is + for j = i, whose pair belongs together, and - for all others. No pair is compared
    with another, so that the loss suits small batches better than `info_nce`.

    Args:
        target: not read, None.
        preds: the embeddings: a tuple (a, b), or a dict with these keys, in which row i of one
            belongs to row i of the other. Their dtype is that of the result, but at least float32.
        temperature: divides the similarities, above 0. Like `bias` it may be traced, to be learned.
        bias: added to all similarities. As most pairs do not belong together, it begins far below 0
            to spare training the way there.
        normalize: whether the similarity is the cosine; otherwise the product.
        mask: which examples are present; the others are in no pair, and their value means nothing.
            A `Loss` passes its mask, and which weights are not 0.

    Shapes:
        preds: twice (batch, features).
        mask: (batch,).
        returns: (batch,).

    Raises:
        StructureError: `preds` are not two parts.
        ShapeError: the shapes do not fit together.
        DataError: a part does not hold numbers.
        ArgumentError: `temperature` is not above 0, or `bias` is not finite.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> pair = jnp.eye(2), jnp.eye(2)
        >>> values = tx.losses.pairwise_sigmoid(None, pair, temperature=1.0, bias=0.0)
        >>> round(float(values[0]), 3)
        1.006

    Reference:
        Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (SigLIP, 2023), where the
        temperature and the bias are learned, from the values that are our defaults.
    """
    where = "pairwise_sigmoid"
    temperature = number(where, "temperature", temperature, positive=True)
    bias = number(where, "bias", bias, signed=True)
    a, b = parts_of(where, preds, ("a", "b"))
    check_embeddings(where, a=a, b=b)
    present = check_mask(where, mask, a.shape[0])
    if normalize:
        a, b = unit(a), unit(b)
    logits = similarities(a, b) / temperature + bias
    belongs = jnp.eye(a.shape[0], dtype=bool)
    losses = -jax.nn.log_sigmoid(jnp.where(belongs, logits, -logits))
    if present is not None:
        losses = jnp.where(present[None, :], losses, 0)
    return jnp.sum(losses, axis=1)
