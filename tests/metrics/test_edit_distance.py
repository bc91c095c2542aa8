"""`EditDistance` and `WordErrorRate`."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite._errors import ArgumentError, DataError, ShapeError
from treexlite.metrics import EditDistance, WordErrorRate

TEXTS = st.lists(st.lists(st.integers(1, 3), max_size=6), min_size=3, max_size=3)


def padded(texts: list[list[int]], length: int) -> np.ndarray:
    """Pad at the end, and every other text at the beginning."""
    rows = [[0] * (length - len(t)) + t if i % 2 else t for i, t in enumerate(texts)]
    return np.array([row + [0] * (length - len(row)) for row in rows])


def levenshtein(a: list[int], b: list[int]) -> int:
    """The textbook's recursion."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


@settings(max_examples=examples(25))
@given(references=TEXTS, texts=TEXTS)
def test_they_are_what_the_textbook_says(references: Any, texts: Any) -> None:
    batch = padded(references, 6), padded(texts, 7)
    weights = np.array([1.0, 0.5, 2.0])
    edits = np.array([levenshtein(*pair) for pair in zip(texts, references, strict=True)])
    lengths = np.array([len(reference) for reference in references])
    with np.errstate(divide="ignore", invalid="ignore"):
        for w in (None, weights):
            assert_close(EditDistance()(*batch, w), np.average(edits, weights=w))
            each = np.where(edits == 0, 0, edits / lengths)
            assert_close(EditDistance(normalize=True)(*batch, w), np.average(each, weights=w))
            w = np.ones(3) if w is None else w
            assert_close(WordErrorRate()(*batch, w), (w * edits).sum() / (w * lengths).sum())


def assert_close(ours: Any, wanted: Any) -> None:
    np.testing.assert_allclose(ours, wanted, rtol=1e-6)


def test_the_rate_is_over_words_not_over_texts() -> None:
    references, texts = jnp.array([[1, 0, 0, 0], [1, 2, 3, 4]]), jnp.array([[2, 0], [1, 2]])
    assert WordErrorRate()(references, texts) == 3 / 5
    assert EditDistance(normalize=True)(references, texts) == (1 + 0.5) / 2


def test_the_padding_may_be_any_token() -> None:
    references, texts = jnp.array([[0, 1, -1]]), jnp.array([[-1, 0, 2]])
    assert EditDistance(pad_id=-1)(references, texts) == 1
    assert WordErrorRate(pad_id=-1)(references, texts) == 0.5


@pytest.mark.parametrize("make", [EditDistance, WordErrorRate])
def test_what_are_no_texts_is_refused(make: Any) -> None:
    name, rows = make.__name__, jnp.ones((2, 3), int)
    with pytest.raises(ShapeError, match=rf"{name}: expected `target` of shape \(batch, length\),"):
        make()(rows[0], rows)
    with pytest.raises(ShapeError, match=f"{name}: expected as many texts in `target`"):
        make()(rows[:1], rows)
    with pytest.raises(DataError, match=f"{name}: expected `preds` to hold token ids"):
        make()(rows, rows * 0.5)
    with pytest.raises(ArgumentError, match=f"{name}: expected both `target` and `preds`"):
        make()(preds=rows)
