"""The evidence lower bound and its terms."""

from typing import Any

import jax
import numpy as np
import pytest

from treexlite._errors import (
    ArgumentError,
    RangeError,
    ShapeError,
    StructureError,
    UnknownNameError,
)
from treexlite.losses import (
    NegativeELBO,
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_likelihood,
    negative_elbo,
)

RNG = np.random.default_rng(0)
MEAN, LOG_VAR, OTHER_MEAN, OTHER_LOG_VAR = RNG.normal(size=(4, 3, 2)).astype(np.float32)
X = (RNG.uniform(size=(3, 2, 4)) < 0.5).astype(np.float32)
LOGITS = (3 * RNG.normal(size=(3, 2, 4))).astype(np.float32)


def kl(m: np.ndarray, v: np.ndarray, n: Any = 0.0, w: Any = 1.0) -> np.ndarray:
    """The divergence of Gaussians with means and variances, in NumPy at double precision."""
    m, v = np.float64(m), np.float64(v)
    return 0.5 * (np.log(w / v) + (v + (m - n) ** 2) / w - 1).sum(-1)


def test_the_divergence_of_gaussians() -> None:
    var, other = np.exp(np.float64(LOG_VAR)), np.exp(np.float64(OTHER_LOG_VAR))
    for arguments, wanted in (
        ((), kl(MEAN, var)),
        ((OTHER_MEAN, OTHER_LOG_VAR), kl(MEAN, var, OTHER_MEAN, other)),
        ((OTHER_MEAN,), kl(MEAN, var, OTHER_MEAN)),
        ((None, OTHER_LOG_VAR), kl(MEAN, var, 0.0, other)),
    ):
        values = gaussian_kl(MEAN, LOG_VAR, *arguments)
        np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_the_divergence_of_near_gaussians_is_not_lost_to_rounding() -> None:
    tiny = np.full((1, 1), 1e-3, np.float32)
    np.testing.assert_allclose(gaussian_kl(0 * tiny, tiny), kl(0, np.exp(1e-3)[None]), rtol=2e-3)
    assert gaussian_kl(0 * tiny, 0 * tiny) == 0


def test_the_bernoulli_likelihood() -> None:
    p = 1 / (1 + np.exp(-np.float64(LOGITS)))
    wanted = (X * np.log(p) + (1 - X) * np.log(1 - p)).sum((1, 2))
    np.testing.assert_allclose(bernoulli_log_likelihood(X, LOGITS), wanted, rtol=1e-5)
    value, gradient = jax.value_and_grad(lambda y: bernoulli_log_likelihood(X, y).sum())(
        1e5 * LOGITS
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_pictures_that_were_not_scaled_are_refused_or_nan_when_traced() -> None:
    message = "bernoulli_log_likelihood: expected `target` between 0 and 1, .* from 0 to 255"
    with pytest.raises(RangeError, match=message):
        bernoulli_log_likelihood(255 * X, LOGITS)
    target = np.concatenate([X[:2], 255 * X[2:]])
    values = jax.jit(bernoulli_log_likelihood)(target, LOGITS)
    np.testing.assert_array_equal(np.isnan(values), [False, False, True])


@pytest.mark.parametrize("with_variance", [False, True])
def test_the_gaussian_likelihood(with_variance: bool) -> None:
    log_var = 0.3 * LOGITS if with_variance else None
    var = np.exp(np.float64(0.3 * LOGITS)) if with_variance else 1.0
    density = np.exp(-((X - LOGITS) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var)
    values = gaussian_log_likelihood(X, LOGITS, log_var)
    np.testing.assert_allclose(values, np.log(density).sum((1, 2)), rtol=1e-4)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_bound_is_made_of_its_terms(likelihood: Any) -> None:
    log_p = {"bernoulli": bernoulli_log_likelihood, "gaussian": gaussian_log_likelihood}[likelihood]
    wanted = 3 * gaussian_kl(MEAN, LOG_VAR) - log_p(X, LOGITS)
    for preds in (
        (LOGITS, MEAN, LOG_VAR),
        {"mean": MEAN, "log_var": LOG_VAR, "reconstruction": LOGITS},
    ):
        loss = NegativeELBO(likelihood=likelihood, beta=3.0, reduction="none")
        np.testing.assert_allclose(loss(X, preds), wanted, rtol=1e-6)


def test_beta_may_grow_during_training() -> None:
    preds = (LOGITS, MEAN, LOG_VAR)
    traced = jax.jit(lambda beta: negative_elbo(X, preds, beta=beta))(0.5)
    np.testing.assert_allclose(traced, negative_elbo(X, preds, beta=0.5), rtol=1e-6)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StructureError, match=r"tuple \(reconstruction, mean, log_var\)"):
        negative_elbo(X, (LOGITS, MEAN))
    with pytest.raises(ShapeError, match="negative_elbo: expected as many reconstructions as"):
        negative_elbo(X, (LOGITS, MEAN[:2], LOG_VAR[:2]))
    message = r"gaussian_kl: expected `mean` and `{}` of one shape \(batch, ...\), received mean"
    with pytest.raises(ShapeError, match=message.format("log_var")):
        gaussian_kl(MEAN, LOG_VAR[:1])
    with pytest.raises(ShapeError, match=message.format("prior_mean")):
        gaussian_kl(MEAN, LOG_VAR, MEAN[0])
    with pytest.raises(ShapeError, match=message.format("prior_log_var")):
        gaussian_kl(MEAN, LOG_VAR, MEAN, LOG_VAR[0])
    with pytest.raises(ShapeError, match="bernoulli_log_likelihood: expected `target` and `log"):
        bernoulli_log_likelihood(X, LOGITS[:, 0])
    with pytest.raises(ShapeError, match="gaussian_log_likelihood: expected `target` and `mean`"):
        gaussian_log_likelihood(X, LOGITS[:, 0])
    with pytest.raises(ShapeError, match="gaussian_log_likelihood: expected `mean` and `log_var`"):
        gaussian_log_likelihood(X, LOGITS, LOGITS[0])


@pytest.mark.parametrize(
    "make", [NegativeELBO, lambda **options: negative_elbo(X, (LOGITS, MEAN, LOG_VAR), **options)]
)
def test_options_that_have_no_meaning_are_refused(make: Any) -> None:
    with pytest.raises(UnknownNameError, match="the name of a likelihood"):
        make(likelihood="poisson")
    with pytest.raises(ArgumentError, match="expected `beta` to be a finite number of at least 0"):
        make(beta=-1.0)
