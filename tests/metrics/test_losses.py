"""`Losses`: running means of losses."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from treexlite import losses
from treexlite._errors import ArgumentError, ShapeError
from treexlite.metrics import Losses

CUTS = [1, 4]
LABELS = jnp.array([0, 2, 1, 1, 0, 2])
LOGITS = jnp.asarray(np.random.default_rng(0).normal(size=(6, 3)), jnp.float32)
WEIGHTS = jnp.array([0.5, 0, 1, 2, 0, 1.5])


class Ignoring(losses.CrossEntropy):
    """Leaves out the examples of one label."""

    def own_mask(self, target: Any, preds: Any) -> jax.Array:
        return target != 1


@settings(max_examples=examples(10), deadline=None)
@given(
    reduction=st.sampled_from(["sum_over_batch_size", "weighted_mean", "sum"]),
    weighted=st.booleans(),
    kind=st.sampled_from([losses.CrossEntropy, Ignoring]),
)
def test_batches_of_any_size_give_the_loss_of_all_data(
    reduction: Any, weighted: bool, kind: type[losses.CrossEntropy]
) -> None:
    loss = kind(reduction=reduction, weight=0.5, name="loss")
    weights = WEIGHTS if weighted else None
    metric = Losses(loss)
    for rows in np.split(np.arange(6), CUTS):
        part = None if weights is None else weights[rows]
        batch = metric(LABELS[rows], LOGITS[rows], part)["loss"]
        np.testing.assert_allclose(batch, loss(LABELS[rows], LOGITS[rows], part), rtol=1e-6)
    wanted = loss(LABELS, LOGITS, weights)
    np.testing.assert_allclose(metric.compute()["loss"], wanted, rtol=1e-6)
    np.testing.assert_allclose(metric.total_loss(), wanted, rtol=1e-6)


def test_losses_of_one_name_both_count() -> None:
    loss = losses.MeanSquaredError()
    metric = Losses([loss, loss, losses.MeanSquaredError(weight=2)])
    metric.update(jnp.zeros(2), jnp.ones(2))
    assert metric.compute() == {
        "mean_squared_error": 1.0,
        "mean_squared_error_1": 1.0,
        "mean_squared_error_2": 2.0,
    }
    assert metric.total_loss() == 4


def test_each_loss_selects_for_itself() -> None:
    metric = Losses({"z": losses.MeanSquaredError(on="a"), "a": losses.MeanSquaredError(on="b")})
    target = {"a": jnp.zeros(2), "b": jnp.zeros((2, 1))}
    preds = {"a": jnp.ones(2), "b": jnp.full((2, 1), 3.0)}
    assert metric(target, preds) == {"z": 1.0, "a": 9.0}


def test_functions_are_losses() -> None:
    def absolute(target: Any, preds: Any, weights: Any = 1.0) -> jax.Array:
        return jnp.mean(abs(target - preds) * weights)

    metric = Losses(absolute)
    metric(jnp.zeros(3), jnp.ones(3))
    metric(jnp.zeros(1), jnp.ones(1), jnp.array([5.0]))
    assert metric.compute() == {"absolute": 2.0}


def test_the_gradient_is_that_of_the_losses() -> None:
    metric = Losses([losses.CrossEntropy(), losses.CrossEntropy(weight=2)])

    def total(logits: jax.Array, metric: Losses) -> jax.Array:
        return sum(metric(LABELS, logits, WEIGHTS).values(), jnp.zeros(()))

    found = tx.grad(total)(LOGITS, metric)
    wanted = 3 * jax.grad(lambda logits: losses.CrossEntropy()(LABELS, logits, WEIGHTS))(LOGITS)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    assert jnp.isfinite(metric.total_loss())


def test_a_batch_of_the_absent_is_zero_and_counts_nothing() -> None:
    metric = Losses(losses.MeanSquaredError(reduction="weighted_mean"))
    value = metric(jnp.zeros(2), jnp.array([jnp.nan, 1.0]), jnp.zeros(2))
    assert value == {"mean_squared_error": 0.0}
    assert jnp.isnan(metric.total_loss())
    metric.update(jnp.zeros(1), jnp.ones(1), jnp.ones(1))
    assert metric.total_loss() == 1


def test_losses_that_are_no_number_are_refused() -> None:
    message = "Losses: expected losses that are one number for each batch, received a=MeanSquared"
    with pytest.raises(ArgumentError, match=message):
        Losses({"a": losses.MeanSquaredError(reduction="none")})
    message = r"Losses: expected the loss '<lambda>' of a batch to be one number, .* shape \(2,\)"
    with pytest.raises(ShapeError, match=message):
        Losses(lambda target, preds: preds)(jnp.zeros(2), jnp.ones(2))


@pytest.mark.parametrize("wrong", ["mse", losses.MeanSquaredError, None])
def test_what_is_no_loss_is_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="Losses: expected a loss, or dicts and lists of them"):
        Losses(wrong)


def test_the_value_of_a_batch_has_the_precision_of_the_loss() -> None:
    jax.config.update("jax_enable_x64", True)
    try:
        metric = Losses(losses.MeanSquaredError(name="loss"))
        preds = jnp.array([1.0 + 1e-12], jnp.float64)
        found = tx.grad(lambda preds: metric.copy()(jnp.ones(1), preds)["loss"])(preds)
        np.testing.assert_allclose(found, [2e-12], rtol=1e-3)
        assert {str(x.dtype) for x in metric.state_dict().values()} == {"float32"}
    finally:
        jax.config.update("jax_enable_x64", False)
