"""`BLEU`: how many runs of words a text shares with references."""

import math
from collections import Counter
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite._errors import ArgumentError, DataError, ShapeError
from treexlite.metrics import BLEU

TEXT = st.lists(st.integers(1, 3), max_size=6)
CORPUS = st.lists(st.tuples(TEXT, st.tuples(TEXT, TEXT)), min_size=4, max_size=4)
REFERENCE = np.array([[1, 2, 3, 4, 1, 5]])  # the cat is on the mat


def rows(texts: Any) -> np.ndarray:
    return np.array([(list(text) + [0] * 6)[:6] for text in texts])


def plain_bleu(corpus: Any, weights: Any, max_order: int, smoothing: str, value: float) -> float:
    """The formula of the paper, with the smoothings of sacrebleu, in plain Python."""
    matches, totals, length, reference_length = [0.0] * max_order, [0.0] * max_order, 0.0, 0.0
    for (text, references), weight in zip(corpus, weights, strict=True):
        length += weight * len(text)
        there = [len(reference) for reference in references if reference] or [0]
        reference_length += weight * min(there, key=lambda n: (abs(n - len(text)), n))
        for n in range(max_order):
            grams, *others = (
                Counter(tuple(row[i : i + n + 1]) for i in range(len(row) - n))
                for row in (text, *references)
            )
            matches[n] += weight * (grams & (others[0] | others[1])).total()
            totals[n] += weight * grams.total()
    if length + reference_length == 0:
        return math.nan
    if not any(matches):
        return 0.0
    product, misses = 1.0, 0
    for n in range(max_order):
        extra = value if smoothing == "add-k" and n > 0 else 0.0
        match, total = matches[n] + extra, totals[n] + extra
        if total and not match and smoothing == "exp":
            misses += 1
            match = 0.5**misses
        if total and not match and smoothing == "floor":
            match = value
        product *= match / total if total else 0.0
    return min(1.0, math.exp(1 - reference_length / length)) * product ** (1 / max_order)


@pytest.mark.parametrize("smoothing", ["none", "floor", "add-k", "exp"])
@settings(max_examples=examples(15))
@given(corpus=CORPUS)
def test_it_is_the_formula_of_the_paper(smoothing: Any, corpus: Any) -> None:
    texts, references = rows(text for text, _ in corpus), [both for _, both in corpus]
    target = np.stack([rows(pair) for pair in references])
    value = {"floor": 0.1, "add-k": 1.0}.get(smoothing, 0.0)
    for weights in (np.ones(4), np.array([1.0, 2.0, 0.0, 0.5])):
        wanted = plain_bleu(corpus, weights, 3, smoothing, value)
        ours = BLEU(3, smoothing=smoothing)(target, texts, weights)
        np.testing.assert_allclose(ours, wanted, rtol=1e-6)


def test_repeating_a_word_does_not_match_more_often_than_the_reference() -> None:
    np.testing.assert_allclose(BLEU(1)(REFERENCE, np.full((1, 6), 1)), 1 / 3, rtol=1e-6)


def test_short_texts_pay_for_their_brevity() -> None:
    np.testing.assert_allclose(BLEU(2)(REFERENCE, REFERENCE[:, :3]), math.exp(-1), rtol=1e-6)
    assert BLEU(2)(REFERENCE, REFERENCE) == 1


def test_the_score_of_a_corpus_is_no_mean_of_scores() -> None:
    metric = BLEU(1)
    assert metric(np.array([[1, 2]]), np.array([[1, 2]])) == 1
    assert metric(np.array([[1, 2, 3, 4, 5, 6]]), np.array([[7] * 6])) == 0
    assert metric.compute() == 0.25


def test_without_a_match_the_score_is_zero_with_any_smoothing() -> None:
    for smoothing in ("none", "floor", "add-k", "exp"):
        assert BLEU(smoothing=smoothing)(REFERENCE, np.full((1, 6), 9)) == 0


def test_texts_shorter_than_the_longest_ngram_have_no_score() -> None:
    assert BLEU(4)(REFERENCE[:, :3], REFERENCE[:, :3]) == 0
    assert BLEU(3)(REFERENCE[:, :3], REFERENCE[:, :3]) == 1


def test_padding_is_not_compared() -> None:
    left = np.concatenate([np.zeros((1, 4), int), REFERENCE], axis=1)
    assert BLEU()(REFERENCE, left) == BLEU()(left, REFERENCE) == 1


@pytest.mark.parametrize(
    "option", [{"max_order": 0}, {"smoothing": "add"}, {"smooth_value": 0.1}, {"smooth_value": -1}]
)
def test_options_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"BLEU: expected `{next(iter(option))}`"):
        BLEU(**option)
    with pytest.raises(ArgumentError, match="BLEU: expected `smooth_value`, at least 0, for the"):
        BLEU(smoothing="floor", smooth_value=-0.5)
    assert BLEU(smoothing="floor", smooth_value=0.5).smooth_value == 0.5


def test_what_are_no_texts_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"BLEU: expected `target` of shape \(batch, length\) or"):
        BLEU()(REFERENCE[0], REFERENCE)
    with pytest.raises(ShapeError, match=r"BLEU: expected `preds` of shape \(batch, length\),"):
        BLEU()(REFERENCE, REFERENCE[None])
    with pytest.raises(ShapeError, match="BLEU: expected as many texts in `target`"):
        BLEU()(REFERENCE, jnp.ones((2, 3), int))
    with pytest.raises(DataError, match="BLEU: expected `preds` to hold token ids"):
        BLEU()(REFERENCE, REFERENCE * 0.5)
    with pytest.raises(ArgumentError, match="BLEU: expected both `target` and `preds`"):
        BLEU()(preds=REFERENCE)
