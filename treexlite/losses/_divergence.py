"""Divergences: how different a predicted distribution is from a true one.

What flows in: two distributions over classes along the last axis, each as probabilities or as
logits. What flows out: one value per example, at least in float32. 0 · log 0 is 0.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses._labels import log_of
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._pairs import alike_vectors


class KLDivergence(Loss):
    """The Kullback-Leibler divergence from predictions to targets, `kl_divergence` per example.

    Args:
        from_logits: as in `kl_divergence`.
        target_from_logits: as in `kl_divergence`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.KLDivergence()
        >>> loss(jnp.array([[1.0, 0.0], [0.5, 0.5]]), jnp.zeros((2, 2))).round(3)
        Array(0.347, dtype=float32)
    """

    from_logits: bool
    target_from_logits: bool

    def __init__(
        self,
        *,
        from_logits: bool = True,
        target_from_logits: bool = False,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.from_logits = from_logits
        self.target_from_logits = target_from_logits

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `kl_divergence(target, preds)` with the options of this loss."""
        return kl_divergence(
            target,
            preds,
            from_logits=self.from_logits,
            target_from_logits=self.target_from_logits,
        )


def kl_divergence(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    from_logits: bool = True,
    target_from_logits: bool = False,
) -> jax.Array:
    """Compute the Kullback-Leibler divergence: sum over classes of p · (log p - log q).

    p is the target and q the prediction; it is the cross-entropy less what no prediction can save.

    Args:
        target: probabilities of the classes.
        preds: logits of the classes, any real numbers; log-probabilities are logits, too. Their
            dtype is that of the result, but at least float32.
        from_logits: whether `preds` are logits; the exact and stable form, therefore the default.
            Otherwise they are probabilities, which sum to 1; below 1e-7 they count as 1e-7 and have
            no gradient.
        target_from_logits: whether the targets are logits, such as those of a teacher.

    Shapes:
        target, preds: (batch, ..., classes).
        returns: (batch, ...).

    Raises:
        ShapeError: the shapes differ, or there is no axis of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target = jnp.array([[1.0, 0.0], [0.5, 0.5]])
        >>> tx.losses.kl_divergence(target, jnp.zeros((2, 2))).round(3)
        Array([0.693, 0.   ], dtype=float32)

    Reference:
        Kullback and Leibler, "On Information and Sufficiency" (1951). Keras takes probabilities,
        and those below 1e-7 count as that among targets, too, so that 0 costs a little. torch takes
        log-probabilities and sums in the end with `"batchmean"`, which is our default.
    """
    target, preds = alike_vectors("kl_divergence", jnp.asarray(target), jnp.asarray(preds))
    log_q = jax.nn.log_softmax(preds) if from_logits else log_of(preds)
    log_p = jax.nn.log_softmax(target) if target_from_logits else None
    p = target if log_p is None else jnp.exp(log_p)
    is_there = p != 0
    log_p = jnp.log(jnp.where(is_there, p, 1)) if log_p is None else jnp.where(is_there, log_p, 0)
    return jnp.sum(p * (log_p - jnp.where(is_there, log_q, 0)), axis=-1)


class JensenShannonDivergence(Loss):
    """The Jensen-Shannon divergence of two distributions, `jensen_shannon_divergence` per example.

    Args:
        from_logits: as in `jensen_shannon_divergence`.
        target_from_logits: as in `jensen_shannon_divergence`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.JensenShannonDivergence()
        >>> loss(jnp.array([[1.0, 0.0], [0.5, 0.5]]), jnp.zeros((2, 2))).round(3)
        Array(0.108, dtype=float32)
    """

    from_logits: bool
    target_from_logits: bool

    def __init__(
        self,
        *,
        from_logits: bool = True,
        target_from_logits: bool = False,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.from_logits = from_logits
        self.target_from_logits = target_from_logits

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `jensen_shannon_divergence(target, preds)` with the options of this loss."""
        return jensen_shannon_divergence(
            target,
            preds,
            from_logits=self.from_logits,
            target_from_logits=self.target_from_logits,
        )


def jensen_shannon_divergence(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    from_logits: bool = True,
    target_from_logits: bool = False,
) -> jax.Array:
    """Compute the mean divergence of two distributions from their mean m: (KL(p‖m) + KL(q‖m)) / 2.

    It is symmetric, 0 for equal distributions and log 2 for those that share no class.

    Args:
        target: probabilities p of the classes.
        preds: logits of the classes, of which q is the softmax; log-probabilities are logits, too.
        from_logits: whether `preds` are logits. Otherwise they are probabilities, which sum to 1;
            one that is 0 has a finite gradient, where the exact one is infinite.
        target_from_logits: whether the targets are logits.

    Shapes:
        target, preds: (batch, ..., classes).
        returns: (batch, ...).

    Raises:
        ShapeError: the shapes differ, or there is no axis of classes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, preds = jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]])
        >>> tx.losses.jensen_shannon_divergence(target, preds, from_logits=False).round(3)
        Array([0.693], dtype=float32)

    Reference:
        Lin, "Divergence Measures Based on the Shannon Entropy" (1991). The square of SciPy's
        `jensenshannon`; neither Keras nor torch has it.
    """
    where = "jensen_shannon_divergence"
    target, preds = alike_vectors(where, jnp.asarray(target), jnp.asarray(preds))
    p = jax.nn.softmax(target) if target_from_logits else target
    q = jax.nn.softmax(preds) if from_logits else preds
    ratio = _relative(p, q) + _relative(q, p)
    return jnp.sum(ratio, axis=-1) / 2


def _relative(p: jax.Array, q: jax.Array) -> jax.Array:
    """Return p · log(p / m) for m = (p + q) / 2, which is 0 where p is."""
    is_there = p != 0
    log_p = jnp.log(jnp.where(is_there, p, 1))
    log_m = jnp.log(jnp.where(is_there, p + q, 1)) - math.log(2)
    return jnp.where(is_there, p * (log_p - log_m), 0)
