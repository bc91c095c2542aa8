"""CTC against torch, optax and Keras: values and gradients, to 1e-5 relative, 1e-6 absolute."""

import os
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.losses import CTC, ctc

os.environ.setdefault("KERAS_BACKEND", "jax")

BATCH, TIME, CLASSES, LABELS = 3, 8, 5, 3
SEEDS = st.integers(0, 2**32 - 1)


def batch(seed: int, blank: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, their lengths, logits, and theirs; some alignment is always possible."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([c for c in range(CLASSES) if c != blank], (BATCH, LABELS))
    sizes = rng.integers(0, LABELS + 1, BATCH)
    logits = (3 * rng.normal(size=(BATCH, TIME, CLASSES))).astype(np.float32)
    times = rng.integers(2 * LABELS, TIME + 1, BATCH)
    return labels, sizes, logits, times


@partial(jax.jit, static_argnums=4)
def ours(target: Any, logits: Any, times: Any, parts: Any, blank: int) -> Any:
    """The gradient of a sum with unequal parts, and the values."""

    def weighed(logits: Any) -> Any:
        values = ctc(target, (logits, times), blank=blank)
        return (parts * values).sum(), values

    return jax.grad(weighed, has_aux=True)(logits)


@settings(max_examples=examples(15), deadline=None)
@given(seed=SEEDS, blank=st.sampled_from([0, CLASSES - 1]))
def test_values_and_gradients_are_those_of_torch(seed: int, blank: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    labels, sizes, logits, times = batch(seed, blank)
    parts = np.linspace(0.5, 2, BATCH, dtype=np.float32)

    x = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.ctc_loss(
        x.log_softmax(-1).transpose(0, 1),
        torch.tensor(labels),
        torch.tensor(times),
        torch.tensor(sizes),
        blank=blank,
        reduction="none",
    )
    (wanted * torch.tensor(parts)).sum().backward()

    gradient, values = ours((labels, sizes), logits, times, parts, blank)
    np.testing.assert_allclose(values, wanted.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, x.grad, rtol=1e-5, atol=2e-6)


def test_the_mean_of_torch_is_one_of_weights() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    labels, _, logits, times = batch(0)
    sizes = np.array([1, 3, 2])
    theirs = torch.nn.CTCLoss()(
        torch.tensor(logits).log_softmax(-1).transpose(0, 1),
        torch.tensor(labels),
        torch.tensor(times),
        torch.tensor(sizes),
    )
    loss = CTC()((labels, sizes), (logits, times), sample_weight=1 / sizes)
    np.testing.assert_allclose(loss, theirs, rtol=1e-5)


def test_the_impossible_is_as_in_torch_but_for_its_gradient() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    labels, logits = np.array([[1, 1, 1]]), batch(0)[2][:1, :4]
    for zero_infinity in (False, True):
        theirs = torch.nn.functional.ctc_loss(
            torch.tensor(logits).log_softmax(-1).transpose(0, 1),
            torch.tensor(labels),
            torch.tensor([4]),
            torch.tensor([3]),
            reduction="none",
            zero_infinity=zero_infinity,
        )
        ours = ctc(labels, logits, zero_infinity=zero_infinity)
        np.testing.assert_array_equal(ours, theirs)


@jax.jit
def ctc_of_optax(logits: Any, *paddings: Any) -> Any:
    values = optax.losses.ctc_loss(logits, *paddings)
    return values.sum(), values


@settings(max_examples=examples(10), deadline=None)
@given(seed=SEEDS)
def test_values_and_gradients_are_those_of_optax(seed: int) -> None:
    labels, sizes, logits, times = batch(seed)
    no_label = (np.arange(LABELS) >= sizes[:, None]).astype(np.float32)
    no_time = (np.arange(TIME) >= times[:, None]).astype(np.float32)
    padded = np.where(no_label == 1, 0, labels)

    expected, wanted = jax.grad(ctc_of_optax, has_aux=True)(logits, no_time, padded, no_label)
    gradient, values = ours(padded, logits, times, np.ones(BATCH, np.float32), 0)
    np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=2e-6)


def test_padded_labels_are_those_of_keras() -> None:
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    labels, sizes, logits, _ = batch(1)
    padded = np.where(np.arange(LABELS) < sizes[:, None], labels, 0)
    theirs = keras.losses.CTC()(padded, logits)
    np.testing.assert_allclose(CTC()(padded, logits), theirs, rtol=1e-5)
