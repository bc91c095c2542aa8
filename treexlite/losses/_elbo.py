"""The evidence lower bound of variational autoencoders, and the terms that it is made of.

What flows in: data, what a decoder makes of a code, and the mean and the log of the variance that
an encoder gave for the code. What flows out: one value per example, at least in float32; an example
is all that follows the first axis, over which everything is summed.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError, unknown_name
from treexlite._samples import On
from treexlite.losses._arguments import floating, number, parts_of, share
from treexlite.losses._loss import Loss, Reduction

Likelihood: TypeAlias = Literal["bernoulli", "gaussian"]
LIKELIHOODS = ("bernoulli", "gaussian")
_PARTS = ("reconstruction", "mean", "log_var")


class NegativeELBO(Loss):
    """Minus the evidence lower bound, `negative_elbo` for each example.

    Args:
        likelihood: as in `negative_elbo`.
        beta: as in `negative_elbo`.
        reduction: as in `Loss`.
        weight: as in `Loss`.
        on: as in `Loss`.
        name: as in `Loss`.

    Raises:
        UnknownNameError: `likelihood` is none of the two.
        ArgumentError: `beta` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> loss = tx.losses.NegativeELBO(beta=4.0)
        >>> x, code = jnp.ones((1, 3)), jnp.array([[1.0, 0.0]])
        >>> preds = {"reconstruction": jnp.zeros((1, 3)), "mean": code, "log_var": 0 * code}
        >>> round(float(loss(x, preds)), 3)
        4.079
    """

    likelihood: Likelihood
    beta: float

    def __init__(
        self,
        *,
        likelihood: Likelihood = "bernoulli",
        beta: float = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        weight: float | None = None,
        on: On = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, weight=weight, on=on, name=name)
        self.beta = _options(type(self).__name__, likelihood, beta)
        self.likelihood = likelihood

    def per_example(self, target: ArrayLike, preds: Any) -> jax.Array:
        """Return `negative_elbo(target, preds)` with the options of this loss."""
        return negative_elbo(target, preds, likelihood=self.likelihood, beta=self.beta)


def negative_elbo(
    target: ArrayLike,
    preds: Any,
    *,
    likelihood: Likelihood = "bernoulli",
    beta: float | jax.Array = 1.0,
) -> jax.Array:
    """Compute beta · KL(q(z | x) ‖ N(0, 1)) - log p(x | z) of each example.

    Args:
        target: the data x.
        preds: a tuple (reconstruction, mean, log_var), or a dict with these keys. The
            reconstruction is what the decoder makes of one draw of z: logits for "bernoulli", the
            mean for "gaussian", whose variance is 1. The other two describe q(z | x). Their dtype
            is that of the result, but at least float32.
        likelihood: p(x | z). For others, add up the terms yourself:
            `beta * gaussian_kl(mean, log_var) - my_log_likelihood`.
        beta: the weight of the divergence, at least 0. 1 gives the bound; above 1, codes come apart
            into independent parts at the price of worse reconstructions. It may be traced, to grow
            during training.

    Shapes:
        target: (batch, ...).
        preds: reconstruction like `target`; mean and log_var (batch, features).
        returns: (batch,).

    Raises:
        StructureError: `preds` are not three parts.
        ShapeError: the shapes do not fit together.
        DataError: a part does not hold numbers.
        RangeError: an entry of `target` is not between 0 and 1, for "bernoulli".
        UnknownNameError: `likelihood` is none of the two.
        ArgumentError: `beta` is below 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x, code = jnp.ones((1, 3)), jnp.array([[1.0, 0.0]])
        >>> values = tx.losses.negative_elbo(x, (jnp.zeros((1, 3)), code, 0 * code))
        >>> round(float(values[0]), 3)
        2.579

    Reference:
        Kingma and Welling, "Auto-Encoding Variational Bayes" (2014); Higgins et al., "beta-VAE"
        (2017). All is summed over an example, never averaged, so that beta = 1 is a bound.
    """
    where = "negative_elbo"
    beta = _options(where, likelihood, beta)
    reconstruction, mean, log_var = parts_of(where, preds, _PARTS)
    fits = bernoulli_log_likelihood if likelihood == "bernoulli" else gaussian_log_likelihood
    log_p, kl = fits(target, reconstruction), gaussian_kl(mean, log_var)
    if log_p.shape != kl.shape:
        raise ShapeError(
            where,
            expected="as many reconstructions as codes",
            received=f"reconstruction.shape={reconstruction.shape}, mean.shape={mean.shape}",
            fix="Draw one code for each example.",
        )
    return beta * kl - log_p


def gaussian_kl(
    mean: ArrayLike,
    log_var: ArrayLike,
    prior_mean: ArrayLike | None = None,
    prior_log_var: ArrayLike | None = None,
) -> jax.Array:
    """Compute KL(N(mean, var) ‖ N(prior_mean, prior_var)) of Gaussians with diagonal covariance.

    It is ½ · Σ (r - 1 - log r + (mean - prior_mean)² / prior_var), where r = var / prior_var.

    Args:
        mean: of the first Gaussian.
        log_var: the log of its variances.
        prior_mean: of the second Gaussian; None is 0.
        prior_log_var: the log of its variances; None is 0, that is variances of 1.

    Shapes:
        mean, log_var, prior_mean, prior_log_var: (batch, ...), all the same.
        returns: (batch,).

    Raises:
        ShapeError: the shapes differ.
        DataError: an argument does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> mean, log_var = jnp.array([[1.0, 0.0]]), jnp.zeros((1, 2))
        >>> tx.losses.gaussian_kl(mean, log_var).tolist()
        [0.5]
        >>> tx.losses.gaussian_kl(mean, log_var, mean, log_var).tolist()
        [0.0]
    """
    where = "gaussian_kl"
    mu, spread = floating(where, "mean", mean), floating(where, "log_var", log_var)
    _check_alike(where, mean=mu, log_var=spread)
    gap, ratio, shrink = mu, spread, jnp.zeros_like(spread)
    if prior_mean is not None:
        other = floating(where, "prior_mean", prior_mean)
        _check_alike(where, mean=mu, prior_mean=other)
        gap = mu - other
    if prior_log_var is not None:
        shrink = floating(where, "prior_log_var", prior_log_var)
        _check_alike(where, mean=mu, prior_log_var=shrink)
        ratio = spread - shrink
    divergence = jnp.expm1(ratio) - ratio + jnp.square(gap) * jnp.exp(-shrink)
    return _sum_over_examples(divergence) / 2


def bernoulli_log_likelihood(target: ArrayLike, logits: ArrayLike) -> jax.Array:
    """Compute Σ x · log p + (1 - x) · log(1 - p) of each example, where p = sigmoid(logits).

    Args:
        target: x, from 0 to 1; in between, this is no likelihood, but is used as one for pictures.
            Out of this range, an example gives NaN where x is traced and cannot be checked.
        logits: what the model says.

    Shapes:
        target, logits: (batch, ...), the same.
        returns: (batch,).

    Raises:
        ShapeError: the shapes differ.
        DataError: an argument does not hold numbers.
        RangeError: an entry of `target` is not between 0 and 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.bernoulli_log_likelihood(jnp.ones((1, 2)), jnp.zeros((1, 2))).round(3)
        Array([-1.386], dtype=float32)
    """
    where = "bernoulli_log_likelihood"
    x, scores = floating(where, "target", target), floating(where, "logits", logits)
    _check_alike(where, target=x, logits=scores)
    x = share(where, "target", x)
    log_p, log_not_p = jax.nn.log_sigmoid(scores), jax.nn.log_sigmoid(-scores)
    return _sum_over_examples(x * log_p + (1 - x) * log_not_p)


def gaussian_log_likelihood(
    target: ArrayLike, mean: ArrayLike, log_var: ArrayLike | None = None
) -> jax.Array:
    """Compute -½ · Σ ((x - mean)² / var + log var + log 2π) of each example.

    Args:
        target: x.
        mean: of the Gaussian that the model gives for x.
        log_var: the log of its variances; None is 0, that is variances of 1.

    Shapes:
        target, mean, log_var: (batch, ...), the same.
        returns: (batch,).

    Raises:
        ShapeError: the shapes differ.
        DataError: an argument does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.losses.gaussian_log_likelihood(jnp.ones((1, 2)), jnp.ones((1, 2))).round(3)
        Array([-1.838], dtype=float32)
    """
    where = "gaussian_log_likelihood"
    x, mu = floating(where, "target", target), floating(where, "mean", mean)
    _check_alike(where, target=x, mean=mu)
    spread = jnp.zeros_like(mu)
    if log_var is not None:
        spread = floating(where, "log_var", log_var)
        _check_alike(where, mean=mu, log_var=spread)
    squares = jnp.square(x - mu) * jnp.exp(-spread)
    return -_sum_over_examples(squares + spread + math.log(2 * math.pi)) / 2


def _sum_over_examples(x: jax.Array) -> jax.Array:
    return jnp.sum(x, axis=tuple(range(1, x.ndim)))


def _check_alike(where: str, **arrays: jax.Array) -> None:
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or () in shapes:
        listed = " and ".join(f"`{name}`" for name in arrays)
        raise ShapeError(
            where,
            expected=f"{listed} of one shape (batch, ...)",
            received=", ".join(f"{name}.shape={x.shape}" for name, x in arrays.items()),
            fix="Broadcast on purpose, with `jnp.broadcast_to`.",
        )


def _options(where: str, likelihood: str, beta: float | jax.Array) -> float:
    if likelihood not in LIKELIHOODS:
        raise unknown_name(where, "a likelihood", str(likelihood), LIKELIHOODS)
    return number(where, "beta", beta)
