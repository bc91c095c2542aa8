"""Weights and masks: what they multiply, what they divide, and that the absent is absent."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.losses.catalogue import REDUCTIONS, SAMPLED, LossRow, ids, junk, part

WEIGHTS = np.array([0.5, 0, 2, 1, 0, 3], np.float32)
THERE = WEIGHTS != 0


def reduced(values: np.ndarray, weights: np.ndarray, reduction: str) -> np.ndarray:
    """The reductions in NumPy, at double precision."""
    values = np.float64(values)
    spread = np.broadcast_to(weights.reshape(-1, *[1] * (values.ndim - 1)), values.shape)
    weighted = values * spread
    if reduction == "none":
        return weighted
    divisors = {"weighted_mean": spread.sum(), "sum_over_batch_size": values.size, "sum": 1}
    return weighted.sum() / divisors[reduction]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_values_are_weighed_and_reduced(row: LossRow, reduction: Any) -> None:
    if row.weighs and reduction == "weighted_mean":
        pytest.skip("examples count differently, which the tests of the loss look at")
    weights = np.array([0.5, 0.25, 2, 1, 1, 3], np.float32)
    values = row.make(reduction="none")(row.target, row.preds)
    loss = row.make(reduction=reduction)(row.target, row.preds, weights)
    np.testing.assert_allclose(loss, reduced(values, weights, reduction), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_no_weights_are_weights_of_one(row: LossRow, reduction: Any) -> None:
    loss = row.make(reduction=reduction)
    ones = np.ones(len(WEIGHTS))
    for received in (loss(row.target, row.preds, ones), loss(row.target, row.preds, mask=ones)):
        np.testing.assert_allclose(received, loss(row.target, row.preds), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("masked", [False, True], ids=["weight of 0", "mask"])
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_the_absent_is_absent_whatever_it_holds(row: LossRow, masked: bool) -> None:
    loss = row.make(reduction="sum_over_batch_size" if masked else "weighted_mean")
    absent = {"mask": THERE} if masked else {"sample_weight": WEIGHTS}
    left = {} if masked else {"sample_weight": WEIGHTS[THERE]}

    def of(target: Any, preds: Any, options: dict[str, Any]) -> Any:
        f = jax.jit(jax.value_and_grad(lambda preds: loss(target, preds, **options)))
        return f(jax.tree.map(jnp.asarray, preds))

    value, gradient = of(junk(row.target, THERE), junk(row.preds, THERE), absent)
    wanted, wanted_gradient = of(part(row.target, THERE), part(row.preds, THERE), left)
    np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)
    for received, expected in zip(
        jax.tree.leaves(gradient), jax.tree.leaves(wanted_gradient), strict=True
    ):
        np.testing.assert_allclose(received[THERE], expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(received[~THERE], 0)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_when_all_are_absent_the_loss_is_zero(row: LossRow, reduction: Any) -> None:
    loss = row.make(reduction=reduction)
    nobody = np.zeros(len(WEIGHTS))
    value, gradient = jax.value_and_grad(lambda preds: loss(row.target, preds, nobody).sum())(
        jax.tree.map(jnp.asarray, row.preds)
    )
    assert value == 0
    for leaf in jax.tree.leaves(gradient):
        np.testing.assert_array_equal(leaf, 0)
