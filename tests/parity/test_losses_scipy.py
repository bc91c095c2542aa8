"""Losses against the distributions and divergences of SciPy, in float64; to 1e-5 relative."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.losses import SCALES, SEEDS, assert_same, draw
from treexlite import losses

scipy = pytest.importorskip("scipy", reason="SciPy is not installed")
distance = pytest.importorskip("scipy.spatial.distance", reason="SciPy is not installed")
special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")


@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_likelihoods(seed: int, scale: float) -> None:
    counts, rates = draw("counts as positive", seed, scale)
    wanted = -stats.poisson.logpmf(counts, np.float64(rates)).mean(-1)
    assert_same(losses.poisson(counts, rates, full=True), wanted)
    target, mean = draw("numbers", seed, scale)
    variance = draw("positive", seed, scale)[0]
    spread = np.sqrt(np.float64(variance))
    wanted = -stats.norm.logpdf(target, mean, spread).mean(-1)
    assert_same(losses.gaussian_nll(target, (mean, variance), full=True), wanted)
    logpdf: Any = jax.scipy.stats.laplace.logpdf
    loss = losses.NegativeLogLikelihood(lambda target, preds: logpdf(target, preds).sum(-1))
    assert_same(loss(target, mean), -stats.laplace.logpdf(target, mean).sum(-1).mean())


@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_divergences(seed: int, scale: float) -> None:
    p, logits = draw("distributions", seed, scale)
    q = special.softmax(np.float64(logits), axis=-1)
    p64 = np.float64(p)
    wanted = special.rel_entr(p64, q).sum(-1)
    np.testing.assert_allclose(losses.kl_divergence(p, logits), wanted, rtol=1e-5, atol=1e-6)
    wanted = distance.jensenshannon(p64, q, axis=-1) ** 2
    received = losses.jensen_shannon_divergence(p, logits)
    np.testing.assert_allclose(received, wanted, rtol=1e-5, atol=1e-6)


def test_zeros_on_both_sides() -> None:
    p, q = np.array([[1.0, 0, 0], [0.5, 0.5, 0]]), np.array([[0.25, 0.75, 0], [0, 1, 0]])
    received = losses.jensen_shannon_divergence(p, q, from_logits=False)
    assert_same(received, distance.jensenshannon(p, q, axis=-1) ** 2)
    assert_same(
        losses.kl_divergence(p[:1], q[:1], from_logits=False), special.rel_entr(p, q)[:1].sum(-1)
    )
