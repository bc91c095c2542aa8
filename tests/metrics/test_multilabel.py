"""Accuracy where several labels may be true of one example."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.metrics import HammingLoss, MultilabelAccuracy

TARGET = np.array([[1, 0, 1, 0], [0, 1, 0, 0]])
SCORES = np.array([[0.9, 0.1, 0.8, 0.4], [0.3, 0.7, 0.6, 0.2]], np.float32)
MAKES: list[Any] = [MultilabelAccuracy, lambda: MultilabelAccuracy("hamming"), HammingLoss]


@pytest.mark.parametrize(("number", "wanted"), [(0, [1, 0]), (1, [1, 0.75]), (2, [0, 0.25])])
def test_what_each_example_adds(number: int, wanted: Any) -> None:
    make = MAKES[number]
    for target in (TARGET, TARGET.astype(bool), TARGET.astype(np.float32)):
        np.testing.assert_array_equal(make().per_example(target, SCORES), wanted)
    np.testing.assert_array_equal(make().per_example(TARGET, SCORES > 0.5), wanted)
    in_time = make().per_example(TARGET[None], SCORES[None])
    np.testing.assert_array_equal(in_time, [wanted])
    np.testing.assert_allclose(make()(TARGET, SCORES, np.array([0, 2])), wanted[1])


def test_scores_may_be_logits() -> None:
    assert MultilabelAccuracy("hamming", threshold=0)(TARGET, SCORES - 0.5) == 0.875
    assert HammingLoss(threshold=0)(TARGET, SCORES - 0.5) == 0.125


def test_a_score_that_is_nan_is_never_right() -> None:
    nan = np.full_like(SCORES, np.nan)
    assert MultilabelAccuracy("hamming")(TARGET, nan) == MultilabelAccuracy()(TARGET, nan) == 0
    assert HammingLoss()(TARGET, nan) == 1


@pytest.mark.parametrize("make", MAKES)
def test_a_target_that_is_neither_is_refused_or_nan_when_traced(make: Any) -> None:
    with pytest.raises(RangeError, match="expected labels from 0 to 1"):
        make()(2 * TARGET, SCORES)
    assert jnp.isnan(jax.jit(lambda *batch: make()(*batch))(2 * TARGET, SCORES))


def test_labels_of_another_shape_are_refused() -> None:
    message = r"HammingLoss: expected `target` and `preds` of one shape \(batch, \.\.\., labels\)"
    with pytest.raises(ShapeError, match=message):
        HammingLoss()(TARGET[0], SCORES)


def test_unknown_criteria_are_refused() -> None:
    message = "MultilabelAccuracy: expected `criteria` to be 'exact_match' or 'hamming', received"
    with pytest.raises(ArgumentError, match=message):
        MultilabelAccuracy("subset")  # type: ignore[arg-type]
