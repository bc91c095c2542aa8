"""Losses between embeddings against torch and optax: values and gradients, to 1e-5 relative."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.losses import InfoNCE, NTXent, Triplet, info_nce, triplet

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


def embeddings(seed: int, parts: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(parts, 4, 3)).astype(np.float32)


def assert_same_as_torch(torch: Any, ours: Any, theirs: Any, parts: np.ndarray) -> None:
    """Compare values, and the gradients of a sum with unequal parts."""
    tensors = [torch.tensor(part, requires_grad=True) for part in parts]
    wanted = theirs(*tensors)
    weights = np.linspace(0.5, 2, wanted.numel(), dtype=np.float32)
    (wanted * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(ours(*parts), wanted.detach(), rtol=1e-5, atol=1e-6)
    gradients = jax.grad(
        lambda parts: (ours(*parts) * weights).sum(),
    )(tuple(parts))
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("swap", [False, True])
@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS, margin=st.sampled_from([0.1, 0.5, 2.0]))
def test_triplet(torch: Any, swap: bool, seed: int, margin: float) -> None:
    theirs = torch.nn.TripletMarginLoss(margin=margin, swap=swap, eps=0, reduction="none")
    assert_same_as_torch(
        torch,
        lambda *parts: triplet(None, parts, margin=margin, swap=swap),
        theirs,
        embeddings(seed, 3),
    )


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_triplet_by_cosines(torch: Any, seed: int) -> None:
    theirs = torch.nn.TripletMarginWithDistanceLoss(
        distance_function=lambda x, y: 1 - torch.nn.functional.cosine_similarity(x, y),
        reduction="none",
    )
    assert_same_as_torch(
        torch,
        lambda *parts: triplet(None, parts, distance="cosine"),
        theirs,
        embeddings(seed, 3),
    )


def test_the_mean_of_triplets(torch: Any) -> None:
    parts = embeddings(0, 3)
    theirs = torch.nn.TripletMarginLoss()(*map(torch.tensor, parts))
    np.testing.assert_allclose(Triplet()(None, tuple(parts)), theirs, rtol=1e-5)


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_info_nce_is_cross_entropy_of_similarities(torch: Any, seed: int) -> None:
    def theirs(query: Any, key: Any) -> Any:
        normalize, entropy = torch.nn.functional.normalize, torch.nn.functional.cross_entropy
        logits = normalize(query) @ normalize(key).T / 0.2
        places = torch.arange(len(query))
        one = entropy(logits, places, reduction="none")
        return (one + entropy(logits.T, places, reduction="none")) / 2

    assert_same_as_torch(
        torch,
        lambda *parts: info_nce(None, parts, temperature=0.2, symmetric=True),
        theirs,
        embeddings(seed, 2),
    )


LABELS = np.tile(np.arange(4), 2)


@jax.jit
@jax.value_and_grad
def nt_xent_of_optax(views: tuple[Any, Any]) -> Any:
    return optax.losses.ntxent(jnp.concatenate(views), LABELS, temperature=0.5)


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_nt_xent_is_that_of_optax(seed: int) -> None:
    views = tuple(embeddings(seed, 2))
    loss = NTXent(temperature=0.5)
    value, gradients = jax.value_and_grad(lambda views: loss(None, views))(views)
    wanted, expected = nt_xent_of_optax(views)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    for received, gradient in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(received, gradient, rtol=1e-5, atol=2e-6)


def test_a_learned_scale_is_part_of_the_predictions() -> None:
    a, b = embeddings(0, 2)
    a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    scaled = InfoNCE(temperature=1.0, normalize=False)(None, (4 * a, b))
    np.testing.assert_allclose(scaled, InfoNCE(temperature=0.25)(None, (a, b)), rtol=1e-5)
