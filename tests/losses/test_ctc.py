"""CTC."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite._errors import ArgumentError
from treexlite.losses import CTC, ctc

RNG = np.random.default_rng(0)
TIME, CLASSES = 4, 3
LOGITS = (2 * RNG.normal(size=(3, TIME, CLASSES))).astype(np.float32)
LABELS = np.array([[1, 2], [2, 2], [1, 0]])


def collapse(path: tuple[int, ...], blank: int) -> list[int]:
    """What an alignment stands for."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def expected(labels: Any, logits: np.ndarray, blank: int = 0) -> float:
    """The definition: a sum over all alignments, in NumPy at double precision."""
    x = np.float64(logits)
    q = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    paths = itertools.product(range(q.shape[1]), repeat=len(q))
    fitting = [path for path in paths if collapse(path, blank) == list(labels)]
    total = sum(np.prod([q[t, c] for t, c in enumerate(path)]) for path in fitting)
    return -np.log(total) if total else np.inf


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), blank=st.integers(0, CLASSES - 1))
def test_the_loss_is_the_sum_over_all_alignments(seed: int, blank: int) -> None:
    rng = np.random.default_rng(seed)
    logits = (2 * rng.normal(size=(2, TIME, CLASSES))).astype(np.float32)
    sizes, times = rng.integers(0, 4, 2), rng.integers(0, TIME + 1, 2)
    labels = rng.choice([c for c in range(CLASSES) if c != blank], (2, 3))
    wanted = [
        expected(row[:size], x[:time], blank)
        for row, size, x, time in zip(labels, sizes, logits, times, strict=True)
    ]
    padded = np.where(np.arange(3) < sizes[:, None], labels, rng.choice([-1, blank]))
    for target in ((labels, sizes), padded):
        values = ctc(target, (logits, times), blank=blank)
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)


def test_log_probabilities_are_logits_too() -> None:
    log_q = jax.nn.log_softmax(LOGITS)
    np.testing.assert_allclose(ctc(LABELS, log_q), ctc(LABELS, LOGITS), rtol=1e-6)


def test_labels_as_long_as_time_leave_one_alignment() -> None:
    labels = np.array([[1, 2, 1, 2]])
    log_q = np.asarray(jax.nn.log_softmax(LOGITS[:1]))
    only = -log_q[0, np.arange(4), labels[0]].sum()
    np.testing.assert_allclose(ctc(labels, LOGITS[:1]), [only], rtol=1e-6)


@pytest.mark.parametrize("labels", [[1, 1, 1], [1, 2, 1, 2, 1]])
def test_the_impossible_is_infinite_and_has_no_gradient(labels: list[int]) -> None:
    target = np.array([labels, [1, *[0] * (len(labels) - 1)]])
    values = ctc(target, LOGITS[:2])
    assert values[0] == np.inf
    assert np.isfinite(values[1])
    gradient = np.asarray(jax.jit(jax.grad(lambda x: ctc(target, x).sum()))(LOGITS[:2]))
    np.testing.assert_array_equal(gradient[0], 0)
    alone = jax.jit(jax.grad(lambda x: ctc(target[1:], x).sum()))(LOGITS[1:2])
    np.testing.assert_allclose(gradient[1:], alone, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(ctc(target, LOGITS[:2], zero_infinity=True), [0, values[1]])


def test_the_impossible_can_be_masked() -> None:
    target = np.array([[1, 1, 1], [1, 2, 0]])
    wanted = CTC()(target[1:], LOGITS[1:2])
    run = jax.jit(jax.value_and_grad(lambda x: CTC()(target, x, mask=np.array([0, 1]))))
    value, gradient = run(LOGITS[:2])
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    assert np.isfinite(gradient).all()


def test_a_class_that_is_ruled_out_makes_labels_impossible() -> None:
    logits = LOGITS.copy()
    logits[..., 2] = -np.inf
    values = ctc(LABELS, logits)
    np.testing.assert_array_equal(np.isinf(values), [True, True, False])
    gradient = jax.jit(jax.grad(lambda x: ctc(LABELS, x)[2]))(logits)
    assert np.isfinite(gradient).all()


def test_what_lies_past_a_length_is_not_read() -> None:
    logits, labels = LOGITS.copy(), np.array([[1, 2, 9], [2, -7, 0], [1, 1, 1]])
    logits[1, 3:] = np.nan
    lengths = np.array([4, 3, 4]), np.array([2, 1, 1])
    run = jax.jit(jax.value_and_grad(lambda x: ctc((labels, lengths[1]), (x, lengths[0])).sum()))
    value, gradient = map(np.asarray, run(logits))
    short = ctc(np.array([[2]]), LOGITS[1:2, :3])
    wanted = ctc(np.array([[1, 2], [1, 0]]), LOGITS[np.array([0, 2])]).sum() + short[0]
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_array_equal(gradient[1, 3:], 0)
    assert np.isfinite(gradient).all()


def test_lengths_travel_in_pairs_or_dicts_and_through_masks() -> None:
    sizes, times = np.array([2, 1, 9]), np.array([4, 3, -9])
    mask = np.array([1, 1, 0])
    wanted = ctc((LABELS[:2], sizes[:2]), (LOGITS[:2], times[:2])).mean()
    target, preds = {"labels": LABELS, "lengths": sizes}, {"logits": LOGITS, "lengths": times}
    np.testing.assert_allclose(CTC()(target, preds, mask=mask), wanted, rtol=1e-6)
    pairs = (LABELS, sizes), (LOGITS, times)
    np.testing.assert_allclose(CTC()(*pairs, mask=mask), wanted, rtol=1e-6)


def test_nan_in_time_is_not_taken_for_impossible() -> None:
    logits = LOGITS.copy()
    logits[0, 1, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(ctc(LABELS, logits)), [True, False, False])


def test_no_labels_are_blanks_all_the_time() -> None:
    log_q = np.asarray(jax.nn.log_softmax(LOGITS))
    for target in (np.zeros((3, 0), int), np.zeros((3, 2), int)):
        np.testing.assert_allclose(ctc(target, LOGITS), -log_q[..., 0].sum(-1), rtol=1e-6)


def test_a_long_sequence_keeps_its_precision() -> None:
    logits = jnp.zeros((1, 1000, 2))  # the single label may stand anywhere: n (n + 1) / 2 ways
    wanted = 1000 * np.log(2) - np.log(1000 * 1001 / 2)
    np.testing.assert_allclose(ctc(np.array([[1]]), logits), [wanted], rtol=1e-5)


def test_the_gradient_of_a_long_sequence_keeps_its_precision() -> None:
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(1, 600, 40))
    labels = rng.integers(1, 40, (1, 60))  # -log p is about 3000, whose digits end at 2e-4
    gradient = jax.jit(jax.grad(lambda x: ctc(labels, x)[0]))(logits.astype(np.float32))
    with jax.enable_x64(True):
        wanted = jax.jit(jax.grad(lambda x: ctc(labels, x)[0]))(logits)
    assert wanted.dtype == np.float64
    np.testing.assert_allclose(gradient, wanted, atol=3e-5)


def test_a_blank_below_zero_is_refused() -> None:
    with pytest.raises(ArgumentError, match="CTC: expected `blank` to be the number of a class"):
        CTC(blank=-1)
