"""Counting n-grams by comparing places."""

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite.metrics._ngrams import clipped_counts, reference_lengths

TEXT = st.lists(st.integers(1, 2), max_size=7)
count = jax.jit(clipped_counts, static_argnums=4)


def ngrams(text: list[int], n: int) -> Counter[tuple[int, ...]]:
    return Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))


@settings(max_examples=examples(25))
@given(text=TEXT, references=st.lists(TEXT, min_size=2, max_size=2))
def test_each_counts_as_often_as_a_reference_has_it(text: Any, references: Any) -> None:
    rows = [np.array((row + [0] * 7)[:7]) for row in (text, *references)]
    lengths = np.array([len(row) for row in references])
    counts = count(rows[0], len(text), np.stack(rows[1:]), lengths, 9)
    for n in range(1, 10):
        clipped = ngrams(text, n) & (ngrams(references[0], n) | ngrams(references[1], n))
        assert counts[n - 1] == clipped.total()


def test_the_closest_reference_is_the_shorter_of_two_and_not_an_absent_one() -> None:
    references = jnp.array([[6, 4, 0], [9, 3, 0], [0, 0, 0], [1, 9, 4]])
    lengths = jnp.array([5, 1, 2, 8])
    np.testing.assert_array_equal(reference_lengths(lengths, references), [4, 3, 0, 9])
