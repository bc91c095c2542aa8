"""What means over queries share, `MeanReciprocalRank` and `MeanAveragePrecision`."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.metrics import (
    NDCG,
    HitRate,
    MeanAveragePrecision,
    MeanReciprocalRank,
    PrecisionAtK,
    RecallAtK,
)

ALL = [
    MeanReciprocalRank,
    MeanAveragePrecision,
    NDCG,
    partial(HitRate, 2),
    partial(PrecisionAtK, 2),
    partial(RecallAtK, 2),
]
SCORES = np.array([[0.9, 0.5, 0.1, 0.3], [0.2, 0.4, 0.6, 0.8]], np.float32)
TARGET = np.array([[0, 1, 1, 0], [1, 0, 0, 0]])


@pytest.mark.parametrize("make", ALL)
def test_an_item_that_is_absent_is_as_if_it_were_not_there(make: Any) -> None:
    scores = np.concatenate([SCORES, [[9.0], [np.nan]]], axis=1)
    target = np.concatenate([TARGET, [[-1], [-1]]], axis=1)
    np.testing.assert_allclose(make()(target, scores), make()(TARGET, SCORES), rtol=1e-6)


@pytest.mark.parametrize("make", ALL)
def test_the_order_of_items_does_not_matter_even_of_equal_scores(make: Any) -> None:
    scores, target = np.array([[1.0, 1.0, 2.0, 0.0]]), np.array([[1, 0, 0, 1]])
    values = [make()(target[:, order], scores[:, order]) for order in ([0, 1, 2, 3], [3, 2, 1, 0])]
    np.testing.assert_allclose(*values, rtol=1e-6)


@pytest.mark.parametrize("make", ALL)
def test_a_query_without_relevant_items_is_absent_or_zero(make: Any) -> None:
    target = np.concatenate([TARGET, np.zeros((2, 4), int)])
    scores = np.concatenate([SCORES, SCORES])
    value = make()(TARGET, SCORES)
    np.testing.assert_allclose(make()(target, scores), value, rtol=1e-6)
    np.testing.assert_allclose(make(empty_target="zero")(target, scores), value / 2, rtol=1e-6)
    weights = np.array([1.0, 0.0, 5.0, 0.0])
    alone = make()(TARGET[:1], SCORES[:1])
    np.testing.assert_allclose(make()(target, scores, weights), alone, rtol=1e-6)
    assert jnp.isnan(make()(target[2:], SCORES))


@pytest.mark.parametrize("make", ALL)
def test_there_may_be_more_axes_of_queries_and_none_at_all(make: Any) -> None:
    value = make()(TARGET, SCORES)
    assert make()(TARGET[None] == 1, SCORES[None].astype(np.float16)) == value
    parts = [make()(TARGET[i], SCORES[i]) for i in range(2)]
    np.testing.assert_allclose(np.mean(parts), value, rtol=1e-6)


@pytest.mark.parametrize("make", ALL)
def test_a_nan_score_makes_the_value_nan(make: Any) -> None:
    scores = np.where(SCORES[0, 3] == SCORES, np.nan, SCORES)
    assert jnp.isnan(make()(TARGET, scores))
    assert not jnp.isnan(make()(TARGET, scores, np.array([0.0, 1.0])))


@pytest.mark.parametrize("make", ALL)
def test_it_is_the_same_when_compiled(make: Any) -> None:
    np.testing.assert_allclose(
        jax.jit(lambda *x: make()(*x))(TARGET, SCORES), make()(TARGET, SCORES), rtol=1e-6
    )


def test_the_reciprocal_rank_is_that_of_the_first_relevant_item() -> None:
    assert MeanReciprocalRank()(TARGET, SCORES) == (1 / 2 + 1 / 4) / 2
    assert MeanReciprocalRank(k=3)(TARGET, SCORES) == (1 / 2 + 0) / 2
    tied = np.array([[1.0, 1.0, 1.0, 0.0]])
    assert MeanReciprocalRank()(np.array([[1, 0, 0, 1]]), tied) == np.float32(1 / 3)


def test_the_average_precision_is_taken_at_the_relevant_items() -> None:
    value = MeanAveragePrecision()(TARGET, SCORES)
    np.testing.assert_allclose(value, ((1 / 2 + 2 / 4) / 2 + 1 / 4) / 2, rtol=1e-6)


@pytest.mark.parametrize("make", ALL)
def test_shapes_that_do_not_fit_are_refused(make: Any) -> None:
    message = "expected one relevance for each score, both of shape"
    for target, scores in [(TARGET[:, :3], SCORES), (TARGET[0], SCORES), (1, 0.5)]:
        with pytest.raises(ShapeError, match=message):
            make()(target, scores)
    with pytest.raises(ShapeError, match="expected `sample_weight` to have the first axes"):
        make()(TARGET, SCORES, np.ones((2, 4)))
    with pytest.raises(ArgumentError, match="expected both `target` and `preds`"):
        make()(preds=SCORES)
    with pytest.raises(ArgumentError, match="expected `empty_target` to be one of 'skip', 'zero'"):
        make(empty_target="one")


@pytest.mark.parametrize("make", [MeanReciprocalRank, NDCG, HitRate, PrecisionAtK, RecallAtK])
def test_k_is_a_rank(make: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `k` to be a whole number, at least 1"):
        make(0)
