"""Likelihoods of numbers: how improbable predicted distributions make the targets.

What flows in: targets, and the parameters of a distribution for each. What flows out: one value per
example, at least in float32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError, StructureError, describe
from treexlite._samples import On
from treexlite.losses import _options
from treexlite.losses._loss import Loss, Reduction
from treexlite.losses._pairs import alike, check_between, in_single, mean_of_features, nan_outside

_EPSILON = "Use a small number, such as 1e-6."
_COUNTS = "Give counts, or rates: a Poisson distribution has nothing below 0."


class Poisson(Loss):
    """The negative log-likelihood of counts, `poisson` for each example.

    Args:
        log_input: as in `poisson`.
        full: as in `poisson`.
        epsilon: as in `poisson`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `epsilon` is not a number above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.Poisson()
        >>> round(float(loss(jnp.array([0.0, 2.0]), jnp.array([1.0, 2.0]))), 3)
        0.807
    """

    log_input: bool
    full: bool
    epsilon: float

    def __init__(
        self,
        *,
        log_input: bool = False,
        full: bool = False,
        epsilon: float = 1e-7,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.log_input = log_input
        self.full = full
        self.epsilon = _options.positive(type(self).__name__, "epsilon", epsilon, _EPSILON)

    def per_example(self, target: ArrayLike, preds: ArrayLike) -> jax.Array:
        """Return `poisson(target, preds)` with the options of this loss."""
        return poisson(
            target, preds, log_input=self.log_input, full=self.full, epsilon=self.epsilon
        )


def poisson(
    target: ArrayLike,
    preds: ArrayLike,
    *,
    log_input: bool = False,
    full: bool = False,
    epsilon: float = 1e-7,
) -> jax.Array:
    """Compute the mean over features of rate - target · log(rate), and log(target!) when `full`.

    Args:
        target: counts, or averages of them, from 0.
        preds: the predicted rates; negative ones give NaN.
        log_input: whether `preds` are logs of rates instead, any real numbers: the stable form for
            a model whose last layer is linear.
        full: whether to add log(target!), which no prediction changes, so that the result is the
            negative log-likelihood itself.
        epsilon: added to a rate before its log is taken, so that 0 has one.

    Shapes:
        target, preds: as in `mean_squared_error`.
        returns: likewise.

    Returns:
        One value per example. Targets that are traced cannot be checked; one below 0 gives NaN.

    Raises:
        ShapeError: the shapes differ.
        RangeError: a target is below 0.
        ArgumentError: `epsilon` is not a number above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.poisson(jnp.array([0.0, 2.0]), jnp.array([1.0, 2.0])).round(3)
        Array([1.   , 0.614], dtype=float32)

    Reference:
        The default is that of Keras; the options are those of `torch.nn.PoissonNLLLoss`, whose
        default is `log_input=True`, and which replaces log(target!) by Stirling's approximation.
    """
    where = "poisson"
    epsilon = _options.positive(where, "epsilon", epsilon, _EPSILON)
    target, preds = alike(where, jnp.asarray(target), jnp.asarray(preds))
    check_between(where, target, 0, math.inf, _COUNTS)
    if log_input:
        values = jnp.exp(preds) - target * preds
    else:
        values = preds - target * jnp.log(preds + epsilon)
    if full:
        values += jax.scipy.special.gammaln(target + 1)
    return mean_of_features(nan_outside(values, target, 0, math.inf))


class GaussianNLL(Loss):
    """The negative log-likelihood of normal distributions, `gaussian_nll` for each example.

    Args:
        log_variance: as in `gaussian_nll`.
        full: as in `gaussian_nll`.
        epsilon: as in `gaussian_nll`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        ArgumentError: `epsilon` is not a number above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.GaussianNLL()
        >>> preds = {"mean": jnp.array([0.0, 1.0]), "variance": jnp.array([1.0, 4.0])}
        >>> round(float(loss(jnp.array([2.0, 1.0]), preds)), 3)
        1.347
    """

    log_variance: bool
    full: bool
    epsilon: float

    def __init__(
        self,
        *,
        log_variance: bool = False,
        full: bool = False,
        epsilon: float = 1e-6,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.log_variance = log_variance
        self.full = full
        self.epsilon = _options.positive(type(self).__name__, "epsilon", epsilon, _EPSILON)

    def per_example(self, target: ArrayLike, preds: Any) -> jax.Array:
        """Return `gaussian_nll(target, preds)` with the options of this loss."""
        return gaussian_nll(
            target, preds, log_variance=self.log_variance, full=self.full, epsilon=self.epsilon
        )


def gaussian_nll(
    target: ArrayLike,
    preds: Any,
    *,
    log_variance: bool = False,
    full: bool = False,
    epsilon: float = 1e-6,
) -> jax.Array:
    """Compute the mean over features of (log(variance) + (target - mean)² / variance) / 2.

    Args:
        target: the true values.
        preds: `(mean, variance)`, or a dict with these keys.
        log_variance: whether the logs of variances stand in their place, any real numbers: the
            stable form for a model whose last layer is linear.
        full: whether to add log(2π) / 2, which no prediction changes, so that the result is the
            negative log-likelihood itself.
        epsilon: a smaller variance counts as this one, and still has the gradient that it has
            there, so that it can grow again.

    Shapes:
        target, mean: as `target` and `preds` in `mean_squared_error`.
        variance: that of the mean, or (batch, ...) or (batch, ..., 1) when all features of an
            example share one.
        returns: (batch, ...); (batch,) for (batch,).

    Returns:
        One value per example; NaN for a variance below 0.

    Raises:
        StructureError: `preds` is neither a pair nor a dict with `"mean"` and `"variance"`.
        ShapeError: the shapes do not fit together.
        ArgumentError: `epsilon` is not a number above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> preds = jnp.array([0.0, 1.0]), jnp.array([1.0, 4.0])
        >>> tx.losses.gaussian_nll(jnp.array([2.0, 1.0]), preds).round(3)
        Array([2.   , 0.693], dtype=float32)

    Reference:
        Nix and Weigend, "Estimating the Mean and Variance of the Target Probability Distribution"
        (1994). As `torch.nn.GaussianNLLLoss`, which refuses variances below 0 and knows no logs.
    """
    where = "gaussian_nll"
    epsilon = _options.positive(where, "epsilon", epsilon, _EPSILON)
    mean, variance = _moments(where, preds)
    target, mean = alike(where, jnp.asarray(target), mean)
    variance = _like(where, variance, mean)
    squares = jnp.square(target - mean)
    if log_variance:
        log = _at_least(variance, math.log(epsilon))
        values = (log + squares * jnp.exp(-log)) / 2
    else:
        bounded = _at_least(variance, epsilon)
        values = (jnp.log(bounded) + squares / bounded) / 2
        values = jnp.where(variance < 0, jnp.nan, values)
    return mean_of_features(values + math.log(2 * math.pi) / 2 if full else values)


def _at_least(x: jax.Array, low: float) -> jax.Array:
    """Bound values and leave gradients as they are."""
    return x + jax.lax.stop_gradient(jnp.where(x < low, low - x, 0))


def _moments(where: str, preds: Any) -> tuple[jax.Array, jax.Array]:
    if isinstance(preds, Mapping) and {"mean", "variance"} <= set(preds):
        return jnp.asarray(preds["mean"]), jnp.asarray(preds["variance"])
    if isinstance(preds, (tuple, list)) and len(preds) == 2:
        return jnp.asarray(preds[0]), jnp.asarray(preds[1])
    raise StructureError(
        where,
        expected="`preds` to be (mean, variance), or a dict with these keys",
        received=f"preds={describe(preds)}",
        fix='Let the model return `{"mean": ..., "variance": ...}`.',
    )


def _like(where: str, variance: jax.Array, mean: jax.Array) -> jax.Array:
    """Lay variances over means; one for all features of an example is meant by its shape."""
    shape, axes = variance.shape, mean.shape[:-1]
    if shape == (*mean.shape, 1):
        variance = variance[..., 0]  # (batch, 1) -> (batch,)
    elif mean.ndim > 1 and shape in (axes, (*axes, 1)):
        variance = variance.reshape((*axes, 1))
    elif shape != mean.shape:
        raise ShapeError(
            where,
            expected=f"the variance to have the shape of the mean, {mean.shape}",
            received=f"variance.shape={shape}",
            fix="Let the model return one variance per mean, or one per example, (batch, ..., 1).",
        )
    return jnp.broadcast_to(in_single(variance).astype(mean.dtype), mean.shape)
