"""Likelihoods of numbers."""

import math
from collections import namedtuple
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError, StructureError
from treexlite.losses import GaussianNLL, Poisson, gaussian_nll, poisson

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=(5, 3)).astype(np.float32)
MEAN = RNG.normal(size=(5, 3)).astype(np.float32)
VARIANCE = RNG.uniform(0.2, 3, size=(5, 3)).astype(np.float32)
COUNTS = np.array([0, 1, 2, 7, 300])
RATES = np.array([0.5, 3, 2.5, 4, 250], np.float32)
Normal = namedtuple("Normal", ["mean", "variance"])


def normal_nll(target: Any, mean: Any, variance: Any) -> np.ndarray:
    target, mean, variance = map(np.float64, (target, mean, variance))
    return 0.5 * (np.log(2 * np.pi * variance) + (target - mean) ** 2 / variance)


def test_poisson_is_the_likelihood_of_counts() -> None:
    factorials = np.array([math.lgamma(n + 1) for n in COUNTS])
    wanted = np.float64(RATES) - COUNTS * np.log(np.float64(RATES)) + factorials
    np.testing.assert_allclose(poisson(COUNTS, RATES, full=True), wanted, rtol=1e-5)
    np.testing.assert_allclose(poisson(COUNTS, RATES), wanted - factorials, rtol=1e-5)
    logs = poisson(COUNTS, np.log(RATES), log_input=True, full=True)
    np.testing.assert_allclose(logs, wanted, rtol=1e-4)


def test_rates_of_zero_have_a_loss_and_a_way_up() -> None:
    target = jnp.array([0.0, 3.0])
    value, gradient = jax.value_and_grad(Poisson(), argnums=1)(target, jnp.zeros(2))
    assert jnp.isfinite(value)
    assert gradient[0] == 0.5
    assert -jnp.inf < gradient[1] < -1e6


@pytest.mark.parametrize("full", [False, True])
def test_negative_counts_are_refused_or_nan_when_traced(full: bool) -> None:
    target, preds = jnp.array([-1.0, 1.0]), jnp.ones(2)
    loss = Poisson(full=full, reduction="none")
    with pytest.raises(RangeError, match="poisson: expected `target` from 0 to inf, received"):
        loss(target, preds)
    np.testing.assert_array_equal(jnp.isnan(jax.jit(loss)(target, preds)), [True, False])
    assert jnp.isnan(poisson(jnp.ones(1), jnp.array([-2.0])))


def test_gaussian_nll_is_the_likelihood_of_a_normal_distribution() -> None:
    wanted = normal_nll(TARGET, MEAN, VARIANCE).mean(-1)
    pairs = [(MEAN, VARIANCE), [MEAN, VARIANCE], {"mean": MEAN, "variance": VARIANCE}]
    for preds in [*pairs, Normal(MEAN, VARIANCE)]:
        np.testing.assert_allclose(gaussian_nll(TARGET, preds, full=True), wanted, rtol=1e-5)
    part = gaussian_nll(TARGET, pairs[0])
    np.testing.assert_allclose(part, wanted - np.log(2 * np.pi) / 2, rtol=1e-4)
    logs = gaussian_nll(TARGET, (MEAN, np.log(VARIANCE)), log_variance=True, full=True)
    np.testing.assert_allclose(logs, wanted, rtol=1e-5)


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_features_may_share_a_variance(shape: tuple[int, ...]) -> None:
    variance = VARIANCE[:, :1].reshape(shape)
    wanted = normal_nll(TARGET, MEAN, VARIANCE[:, :1]).mean(-1)
    values = gaussian_nll(TARGET, (MEAN, variance), full=True)
    np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_a_missing_last_axis_of_size_one_is_no_broadcast() -> None:
    column, row = np.s_[:, :1], np.s_[:, 0]
    wanted = normal_nll(TARGET[row], MEAN[row], VARIANCE[row])
    for target in (TARGET[column], TARGET[row]):
        for mean in (MEAN[column], MEAN[row]):
            for variance in (VARIANCE[column], VARIANCE[row]):
                values = gaussian_nll(target, (mean, variance), full=True)
                assert values.shape == (5,)
                np.testing.assert_allclose(values, wanted, rtol=1e-5)


@pytest.mark.parametrize("shape", [(3,), (4,), (5, 2), (1, 3), ()])
def test_variances_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    message = r"gaussian_nll: expected the variance to have the shape of the mean, \(5, 3\), receiv"
    with pytest.raises(ShapeError, match=message):
        gaussian_nll(TARGET, (MEAN, np.ones(shape)))


def test_targets_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="gaussian_nll: expected `target` and `preds` of the same"):
        gaussian_nll(TARGET[:, :2], (MEAN, VARIANCE))


@pytest.mark.parametrize("preds", [MEAN, (MEAN,), {"mean": MEAN, "var": VARIANCE}, None])
def test_predictions_that_are_no_distribution_are_refused(preds: Any) -> None:
    message = r"gaussian_nll: expected `preds` to be \(mean, variance\), or a dict with these keys"
    with pytest.raises(StructureError, match=message):
        gaussian_nll(TARGET, preds)


def test_a_variance_of_zero_counts_as_epsilon_and_can_grow_again() -> None:
    target, mean = jnp.array([1.0]), jnp.array([0.0])
    value, (_, slope) = jax.value_and_grad(GaussianNLL(epsilon=0.01), argnums=1)(
        target, (mean, jnp.zeros(1))
    )
    np.testing.assert_allclose(value, 0.5 * (np.log(0.01) + 1 / 0.01), rtol=1e-5)
    np.testing.assert_allclose(slope, [0.5 * (1 / 0.01 - 1 / 0.01**2)], rtol=1e-5)


def test_a_negative_variance_is_nan() -> None:
    values = gaussian_nll(TARGET[:2, 0], (MEAN[:2, 0], np.array([1.0, -1.0])))
    np.testing.assert_array_equal(jnp.isnan(values), [False, True])


@pytest.mark.parametrize("epsilon", [0, -1e-6, np.nan])
def test_another_epsilon_is_refused(epsilon: float) -> None:
    message = "expected `epsilon` to be a finite number above 0, received epsilon=.* Use a small"
    for loss in (Poisson, GaussianNLL):
        with pytest.raises(ArgumentError, match=f"{loss.__name__}: {message}"):
            loss(epsilon=epsilon)
    with pytest.raises(ArgumentError, match=f"poisson: {message}"):
        poisson(COUNTS, RATES, epsilon=epsilon)
    with pytest.raises(ArgumentError, match=f"gaussian_nll: {message}"):
        gaussian_nll(TARGET, (MEAN, VARIANCE), epsilon=epsilon)
