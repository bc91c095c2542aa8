"""`NDCG`: how much of the gain of the best ranking a ranking has."""

import itertools

import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import NDCG


def dcg(gains: np.ndarray, k: int) -> float:
    return float((gains[:k] / np.log2(np.arange(len(gains[:k])) + 2)).sum())


@pytest.mark.parametrize("k", [None, 1, 3])
@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_equal_scores_have_the_mean_over_all_their_orders(k: int | None, gain: str) -> None:
    relevance, scores = np.array([3, 0, 2, 1]), np.array([1.0, 2.0, 1.0, 1.0])
    gains = 2.0**relevance - 1 if gain == "exponential" else relevance * 1.0
    orders = [[1, *rest] for rest in itertools.permutations([0, 2, 3])]
    mean = np.mean([dcg(gains[order], k or 4) for order in orders])
    wanted = mean / dcg(np.sort(gains)[::-1], k or 4)
    value = NDCG(k, gain=gain)(relevance[None], scores[None])
    np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_late_ranks_of_long_lists_are_exact() -> None:
    items = 20000
    relevance = np.zeros(items)
    relevance[-1] = 1
    value = NDCG()(relevance, -np.arange(items, dtype=np.float32))
    np.testing.assert_allclose(value, 1 / np.log2(items + 1), rtol=1e-6)


def test_a_gain_is_linear_or_exponential() -> None:
    with pytest.raises(ArgumentError, match="NDCG: expected `gain` to be one of 'linear', 'expo"):
        NDCG(gain="square")
