"""`AUC` over thresholds and `ExactAUC`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError
from treexlite.metrics import AUC, ExactAUC

LABELS = np.array([0, 0, 1, 1, 0, 1])
SCORES = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.4], np.float32)
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.0, 0.0, 3.0], np.float32)


def pairs(labels: Any, scores: Any, weights: Any) -> float:
    """The definition: all pairs of a yes and a no."""
    hits = total = 0.0
    for i in np.flatnonzero(labels):
        for j in np.flatnonzero(1 - labels):
            weight = weights[i] * weights[j]
            hits += weight * ((scores[i] > scores[j]) + (scores[i] == scores[j]) / 2)
            total += weight
    return hits / total


def test_the_exact_area_counts_pairs() -> None:
    for weights in (np.ones(6), WEIGHTS):
        value = ExactAUC(6)(LABELS, SCORES, weights)
        np.testing.assert_allclose(value, pairs(LABELS, SCORES, weights), rtol=1e-6)


def test_scores_far_apart_are_exact_where_bins_are_not() -> None:
    labels, scores = jnp.array([0, 1, 0, 1]), jnp.array([1e-9, 2e-9, 3e-9, 4e-9])
    assert ExactAUC(4)(labels, scores) == ExactAUC(4)(labels, jnp.log(scores)) == 0.75
    assert AUC()(labels, scores) == 0.5  # all in one bin


def test_a_small_area_is_as_exact_as_a_large_one() -> None:
    labels = np.array([1] + [0] * 4000 + [1] * 4000)
    scores = np.arange(8001.0)[::-1].copy()
    scores[1:4001], scores[4001:] = 5000 + np.arange(4000), np.arange(4000)
    scores[0] = 5000.5  # above one no of all
    wanted = 1 / 4000 / 4001
    np.testing.assert_allclose(ExactAUC(8001)(labels, scores), wanted, rtol=1e-6)


@pytest.mark.parametrize("make", [AUC, lambda: ExactAUC(6)])
@pytest.mark.parametrize("labels", [np.zeros(3, int), np.ones(3, int)])
def test_one_class_alone_has_no_area(make: Any, labels: np.ndarray) -> None:
    assert jnp.isnan(make()(labels, SCORES[:3]))


def test_the_precision_of_yeses_alone_is_one_and_of_noes_alone_nothing() -> None:
    for method in ("interpolation", "minoring", "majoring"):
        metric = AUC(curve="PR", summation_method=method)
        assert jnp.isnan(metric(np.zeros(3, int), SCORES[:3]))
    assert AUC(curve="PR")(np.ones(3, int), SCORES[:3]) == 1


def test_a_nan_score_makes_the_value_nan_unless_it_is_absent() -> None:
    scores = np.where(np.arange(6) == 2, np.nan, SCORES)
    assert jnp.isnan(ExactAUC(6)(LABELS, scores))
    assert jnp.isnan(jax.jit(lambda *x: AUC()(*x))(LABELS, scores))
    there = (np.arange(6) != 2).astype(np.float32)
    assert ExactAUC(6)(LABELS, scores, there) == ExactAUC(6)(LABELS, SCORES, there)


def test_a_traced_label_that_is_neither_makes_the_value_nan() -> None:
    labels = np.where(LABELS == 1, 2, 0)
    for make in (AUC, lambda: ExactAUC(6)):
        assert jnp.isnan(jax.jit(lambda *x, make=make: make()(*x))(labels, SCORES))
        with pytest.raises(RangeError, match="AUC: expected labels that are 0 or 1"):
            make()(labels, SCORES)
        with pytest.raises(ShapeError, match="AUC: expected one label, 0 or 1, for each score"):
            make()(LABELS, SCORES[:5])
        with pytest.raises(ArgumentError, match="AUC: expected both `target` and `preds`"):
            make()(preds=SCORES)


def test_more_examples_than_fit_are_never_dropped_in_silence() -> None:
    metric = ExactAUC(5)
    with pytest.raises(DataError, match="ExactAUC: expected at most capacity=5 examples"):
        metric.update(LABELS, SCORES)
    assert jnp.isnan(jax.jit(lambda *x: ExactAUC(5)(*x))(LABELS, SCORES))


@pytest.mark.parametrize("option", [{"curve": "roc"}, {"summation_method": "middle"}])
def test_options_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"AUC: expected `{next(iter(option))}` to be one of"):
        AUC(**option)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_measured_in_more(dtype: Any) -> None:
    scores = jnp.asarray(SCORES).astype(dtype)
    assert AUC()(LABELS, scores).dtype == ExactAUC(6)(LABELS, scores).dtype == jnp.float32
    assert ExactAUC(6)(LABELS, scores) == ExactAUC(6)(LABELS, SCORES)
