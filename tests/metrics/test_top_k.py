"""`TopKAccuracy`: the share of examples whose true class is among the likeliest."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.metrics import CategoricalAccuracy, TopKAccuracy

SCORES = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], np.float32)
LABELS = np.array([0, 1, 2])


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("target", [LABELS, LABELS[:, None], np.eye(3)])
def test_k_classes_are_named(k: int, target: Any) -> None:
    np.testing.assert_allclose(TopKAccuracy(k)(target, SCORES), k / 3, rtol=1e-6)
    np.testing.assert_allclose(TopKAccuracy(k)(target[None], SCORES[None]), k / 3, rtol=1e-6)


def test_of_equal_scores_the_earlier_class_is_named() -> None:
    constant = np.zeros((3, 3), np.float16)
    rights = [TopKAccuracy(2).per_example(LABELS, scores) for scores in (constant, constant > 0)]
    np.testing.assert_array_equal(rights, [[1, 1, 0]] * 2)
    np.testing.assert_array_equal(
        TopKAccuracy(1).per_example(LABELS, constant),
        CategoricalAccuracy().per_example(LABELS, constant),
    )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_prediction_with_a_nan_is_wrong(place: int) -> None:
    scores = SCORES.copy()
    scores[0, place] = np.nan
    np.testing.assert_array_equal(TopKAccuracy(2).per_example(LABELS, scores), [0, 1, 0])


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_without_a_class_is_refused_or_nan_when_traced(label: int) -> None:
    target = np.array([0, label, 1])
    with pytest.raises(RangeError, match="TopKAccuracy: expected labels from 0 to 2"):
        TopKAccuracy(2)(target, SCORES)
    assert jnp.isnan(jax.jit(lambda *batch: TopKAccuracy(2)(*batch))(target, SCORES))
    assert TopKAccuracy(2)(target, SCORES, np.array([1, 0, 1])) == 1


@pytest.mark.parametrize("k", [0, -1, 2.0, True, None])
def test_k_is_a_whole_number(k: Any) -> None:
    with pytest.raises(ArgumentError, match="TopKAccuracy: expected `k` to be a whole number, at"):
        TopKAccuracy(k)


def test_more_classes_than_there_are_cannot_be_named() -> None:
    message = r"TopKAccuracy: expected scores of at least k=5 classes .* received preds\.shape=\(3,"
    with pytest.raises(ShapeError, match=message):
        TopKAccuracy()(LABELS, SCORES)
