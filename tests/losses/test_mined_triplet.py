"""Triplets found in a batch."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite._errors import ArgumentError, DataError, ShapeError, UnknownNameError
from treexlite.losses import TripletHard, TripletSemiHard, triplet_hard, triplet_semi_hard

FUNCTIONS = [triplet_hard, triplet_semi_hard]
MARGIN = 0.5


def hard(near: np.ndarray, far: np.ndarray) -> float:
    return max(near.max() - far.min() + MARGIN, 0)


def semi_hard(near: np.ndarray, far: np.ndarray) -> float:
    costs = []
    for d in near:
        farther = far[far > d]
        chosen = farther.min() if farther.size else far.max()
        costs.append(max(d - chosen + MARGIN, 0))
    return float(np.mean(costs))


def expected(rule: Any, labels: np.ndarray, x: np.ndarray) -> list[float]:
    """Mine with loops, in NumPy at double precision."""
    d = np.linalg.norm(np.float64(x)[:, None] - x[None], axis=-1)
    values = []
    for i in range(len(x)):
        others = np.arange(len(x)) != i
        near = d[i][(labels == labels[i]) & others]
        far = d[i][labels != labels[i]]
        values.append(rule(near, far) if near.size and far.size else 0.0)
    return values


@pytest.mark.parametrize("rule", [hard, semi_hard])
@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kinds=st.integers(1, 6))
def test_triplets_are_those_that_loops_find(rule: Any, seed: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    labels, x = rng.integers(0, kinds, 6), rng.normal(size=(6, 2)).astype(np.float32)
    there = rng.uniform(size=6) < 0.7
    function = {hard: triplet_hard, semi_hard: triplet_semi_hard}[rule]
    np.testing.assert_allclose(
        function(labels, x, margin=MARGIN), expected(rule, labels, x), rtol=1e-4, atol=1e-5
    )
    values = function(labels, x, margin=MARGIN, mask=there)[there]
    wanted = expected(rule, labels[there], x[there])
    np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", [TripletHard, TripletSemiHard])
def test_absent_examples_are_in_no_triplet(loss: Any) -> None:
    labels = np.array([0, 0, 1, 0, 1])
    x = np.array([[0.0], [1], [1.5], [9], [0.25]], np.float32)
    mask = np.array([1, 1, 1, 0, 0])
    mean = loss(reduction="sum_over_batch_size")
    np.testing.assert_allclose(mean(labels, x, mask=mask), mean(labels[:3], x[:3]), rtol=1e-6)
    assert mean(labels, x, mask=mask) != mean(labels, x)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_equal_embeddings_cost_the_margin_and_have_a_finite_gradient(function: Any) -> None:
    labels, x = np.array([0, 0, 1, 1]), np.ones((4, 3), np.float32)
    value, gradient = jax.value_and_grad(lambda x: function(labels, x, margin=2.0).sum())(x)
    assert value == 8
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_anchor_without_a_pair_costs_nothing(function: Any) -> None:
    x = np.arange(3, dtype=np.float32)[:, None]
    for labels in (np.zeros(3), np.arange(3)):
        value, gradient = jax.value_and_grad(lambda x, y=labels: function(y, x).sum())(x)
        assert value == 0
        np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nan_is_not_taken_for_a_missing_pair(function: Any) -> None:
    x = np.array([[0.0], [np.nan], [1.0]], np.float32)
    assert np.isnan(function(np.array([0, 0, 1]), x)[:2]).all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_inputs_that_do_not_fit_are_refused(function: Any) -> None:
    x = np.zeros((3, 2), np.float32)
    with pytest.raises(ShapeError, match=r"expected `target` of shape \(3,\), one label per"):
        function(np.eye(3), x)
    with pytest.raises(ShapeError, match="expected `preds` of one shape"):
        function(np.zeros(3), x[..., None])
    with pytest.raises(ShapeError, match=r"expected a mask \(or weights\) of shape \(3,\)"):
        function(np.zeros(3), x, mask=np.ones((3, 2)))
    with pytest.raises(DataError, match="expected `preds` to be an array"):
        function(np.zeros(3), {"x": x})


@pytest.mark.parametrize("make", [TripletHard, TripletSemiHard, triplet_hard, triplet_semi_hard])
def test_options_out_of_range_are_refused(make: Any) -> None:
    batch = () if isinstance(make, type) else (np.zeros(2), np.zeros((2, 1)))
    with pytest.raises(ArgumentError, match=f"{make.__name__}: expected `margin`"):
        make(*batch, margin=-1.0)
    with pytest.raises(UnknownNameError, match=f"{make.__name__}: .* the name of a distance"):
        make(*batch, distance="manhattan")
