"""Binary cross-entropy: how much probability the predictions give to each yes or no.

What flows in: targets from 0 to 1, and one score for each. What flows out: one value per example,
at least in float32.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._labels import SMALLEST, log_of, product
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._options import Weights
from treexlite.losses._pairs import alike, check_between, mean_of_features, nan_outside

RANGE = "Use 0 for no and 1 for yes; classes numbered from 0 go to `CrossEntropy`."
_POSITIVE = "Use the ratio of negative to positive examples, such as 3.0."


class BinaryCrossEntropy(Loss):
    """The surprise at each yes or no, `binary_cross_entropy` for each example.

    Args:
        from_logits: as in `binary_cross_entropy`.
        label_smoothing: as in `binary_cross_entropy`.
        pos_weight: as in `binary_cross_entropy`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `label_smoothing` is not between 0 and 1, or `pos_weight` is neither a number
            above 0 nor a list of numbers from 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.BinaryCrossEntropy()
        >>> round(float(loss(jnp.array([1, 0]), jnp.array([0.0, -2.0]))), 3)
        0.41
    """

    from_logits: bool
    label_smoothing: float
    pos_weight: float | tuple[float, ...] | None

    def __init__(
        self,
        *,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        pos_weight: Weights | None = None,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        where = type(self).__name__
        self.from_logits = from_logits
        self.label_smoothing = _options.smoothing(where, label_smoothing)
        self.pos_weight = _pos_weight(where, pos_weight)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `binary_cross_entropy(target, preds)` with the options of this loss."""
        return binary_cross_entropy(
            target,
            preds,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            pos_weight=self.pos_weight,
        )


def binary_cross_entropy(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    pos_weight: Weights | None = None,
) -> jax.Array:
    """Compute the binary cross-entropy of each example.

    The mean over features of -(w · p · log q + (1 - p) · log(1 - q)), where p is the target, q is
    sigmoid(preds) and w is `pos_weight`.

    Args:
        target: 0 or 1, or a probability in between.
        preds: one score per target. Their dtype is that of the result, but at least float32.
        from_logits: whether `preds` are logits, any real numbers; the exact and stable form,
            therefore the default. Otherwise they are probabilities; those closer than 1e-7 to 0 or
            1 count as 1e-7 away from it and have no gradient there.
        label_smoothing: how far targets move towards 1/2, in [0, 1]: p becomes (1 - e) · p + e / 2.
        pos_weight: how much a yes counts beside a no; one number, or one for each feature.

    Shapes:
        target, preds: (batch, ..., features), or (batch,) when each example is one number. One of
            the two may lack a last axis of size 1.
        returns: (batch, ...); (batch,) for (batch,).

    Returns:
        One value per example. Targets that are traced cannot be checked; one outside of [0, 1]
        gives NaN, and so does a probability outside of it.

    Raises:
        ShapeError: the shapes differ.
        RangeError: a target is not in [0, 1].
        ArgumentError: an option is not as described.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> target, logits = jnp.array([[1, 0], [1, 1]]), jnp.array([[0.0, 0.0], [9.0, -9.0]])
        >>> tx.losses.binary_cross_entropy(target, logits).round(3)
        Array([0.693, 4.5  ], dtype=float32)

    Reference:
        The formula of `torch.nn.BCEWithLogitsLoss`, with the mean over features and the smoothing
        of Keras. torch bounds the logs of probabilities by -100 in place of log(1e-7).
    """
    where = "binary_cross_entropy"
    label_smoothing = _options.smoothing(where, label_smoothing)
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    check_between(where, target, 0, 1, RANGE)
    yes, no = smooth(target, label_smoothing)
    log_q, log_not_q = log_sides(preds, from_logits)
    given = _pos_weight(where, pos_weight)
    if isinstance(given, tuple):
        features = yes if yes.ndim > 1 else yes[..., None]  # an only axis holds examples
        yes = (features * _options.spread(where, "pos_weight", given, features)).reshape(yes.shape)
    elif given is not None:
        yes = yes * given
    values = -product(yes, log_q) - product(no, log_not_q)
    return mean_of_features(nan_outside(values, target, 0, 1))


def smooth(target: jax.Array, label_smoothing: float) -> tuple[jax.Array, jax.Array]:
    """Return the probabilities of yes and of no, moved towards 1/2."""
    yes = target * (1 - label_smoothing) + label_smoothing / 2
    return yes, 1 - yes


def log_sides(preds: jax.Array, from_logits: bool) -> tuple[jax.Array, jax.Array]:
    """Return log q and log(1 - q), each exact where it is close to 0."""
    if from_logits:
        return jax.nn.log_sigmoid(preds), jax.nn.log_sigmoid(-preds)
    is_close = (preds <= 1) & (1 - preds < SMALLEST)
    log_not_q = jnp.log1p(-jnp.where(is_close, 0.5, preds))
    return log_of(preds), jnp.where(is_close, math.log(SMALLEST), log_not_q)


def _pos_weight(where: str, value: Weights | None) -> float | tuple[float, ...] | None:
    if value is None:
        return None
    if np.ndim(value) == 0:
        return _options.positive(where, "pos_weight", value, _POSITIVE)
    return _options.weights(where, "pos_weight", value)
