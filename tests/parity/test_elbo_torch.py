"""The terms of the evidence lower bound against torch.distributions, to 1e-5 relative."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.losses import bernoulli_log_likelihood, gaussian_kl, gaussian_log_likelihood

torch = pytest.importorskip("torch", reason="torch is not installed")
D = torch.distributions
SEEDS = st.integers(0, 2**32 - 1)


def assert_same(ours: Any, theirs: Any, arrays: np.ndarray) -> None:
    """Compare values, and the gradients of a sum with unequal parts."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    wanted = theirs(*tensors).sum(-1)
    parts = np.linspace(0.5, 2, wanted.numel(), dtype=np.float32)
    (wanted * torch.tensor(parts)).sum().backward()
    np.testing.assert_allclose(ours(*arrays), wanted.detach(), rtol=1e-5, atol=1e-6)
    gradients = jax.grad(lambda arrays: (ours(*arrays) * parts).sum())(tuple(arrays))
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad, rtol=1e-5, atol=2e-6)


def normal(mean: Any, log_var: Any) -> Any:
    return D.Normal(mean, (log_var / 2).exp())


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_the_divergence_of_gaussians(seed: int) -> None:
    arrays = np.random.default_rng(seed).normal(size=(4, 3, 2)).astype(np.float32)
    assert_same(
        gaussian_kl,
        lambda m, v, n, w: D.kl_divergence(normal(m, v), normal(n, w)),
        arrays,
    )
    assert_same(
        gaussian_kl,
        lambda m, v: D.kl_divergence(normal(m, v), normal(0 * m, 0 * v)),
        arrays[:2],
    )


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_the_likelihoods(seed: int) -> None:
    arrays = np.random.default_rng(seed).normal(size=(3, 3, 2)).astype(np.float32)
    x, mean, log_var = arrays
    assert_same(
        lambda mean, log_var: gaussian_log_likelihood(x, mean, log_var),
        lambda mean, log_var: normal(mean, log_var).log_prob(torch.tensor(x)),
        np.stack([mean, log_var]),
    )
    is_on = (x > 0).astype(np.float32)
    assert_same(
        lambda logits: bernoulli_log_likelihood(is_on, logits),
        lambda logits: D.Bernoulli(logits=logits).log_prob(torch.tensor(is_on)),
        mean[None],
    )
