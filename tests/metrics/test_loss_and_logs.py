"""`LossAndLogs`: the objective of a batch and the logs of an epoch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Logging
from treexlite._errors import ArgumentError, ShapeError
from treexlite.losses import MeanSquaredError
from treexlite.metrics import AuxLosses, LossAndLogs, Losses, MeanAbsoluteError, Metrics
from treexlite.training import Batch
from treexlite.training._objective import objective

X = jnp.array([1.0, 3.0, -1.0])


def meter(model: tx.Module) -> LossAndLogs:
    metrics = {"mae": MeanAbsoluteError()}
    return LossAndLogs(MeanSquaredError(), metrics, aux_losses=model, aux_metrics=model)


def test_a_train_step_minimises_the_objective_and_reads_the_logs() -> None:
    model = tx.nn.Sequential(Logging(2.0), Logging(3.0))
    optimizer = tx.Optimizer(optax.sgd(0.01)).init(model)
    logged = meter(model)

    def loss_fn(model: Any, logged: LossAndLogs, x: jax.Array) -> Any:
        preds = model(x)
        return logged.batch_loss_epoch_logs(
            jnp.zeros_like(x), preds, aux_losses=model, aux_metrics=model
        )

    @tx.jit
    def step(model: Any, optimizer: Any, logged: LossAndLogs, x: jax.Array) -> Any:
        (loss, logs), grads = tx.value_and_grad(loss_fn, has_aux=True)(model, logged, x)
        optimizer.update(grads, model)
        return loss, logs, grads

    def by_hand(model: Any, batch: Any) -> Any:
        preds = model(batch.x)
        return jnp.mean(preds**2), preds

    expected = []
    for x in (X, X[:1]):
        value, _ = objective(by_hand, model.copy(), Batch(x))
        wanted = tx.grad(lambda m, x=x: objective(by_hand, m, Batch(x))[0])(model.copy())
        loss, logs, grads = step(model, optimizer, logged, x)
        np.testing.assert_allclose(loss, value, rtol=1e-6)
        jax.tree.map(np.testing.assert_allclose, grads.state_dict(), wanted.state_dict())
        expected.append(float(loss))
    np.testing.assert_allclose(logs["loss"], (3 * expected[0] + expected[1]) / 4, rtol=1e-6)
    assert list(logs) == sorted(logs)  # as JAX returns dicts from compiled functions
    assert set(logs) == {
        *("loss", "mean_squared_error", "penalty", "penalty_1", "mae", "mean", "mean_1")
    }


def test_the_call_gives_the_batch_and_compute_gives_all() -> None:
    logged = LossAndLogs(MeanSquaredError(), MeanAbsoluteError(), ["penalty"])
    # `penalty` stands for metrics only by keyword
    first = logged(jnp.zeros(3), jnp.ones(3), aux_losses={"penalty": 1.0})
    assert list(first) == ["loss", "mean_squared_error", "penalty", "mean_absolute_error"]
    assert first["loss"] == 2
    second = logged(jnp.zeros(1), jnp.array([3.0]), aux_losses={"penalty": 5.0})
    assert second["loss"] == 14
    assert logged.compute() == {
        "loss": 5.0,
        "mean_squared_error": 3.0,
        "penalty": 2.0,
        "mean_absolute_error": 1.5,
    }
    assert logged.total_loss() == 5


def test_update_and_call_leave_the_same_behind() -> None:
    updated, called = (LossAndLogs(MeanSquaredError(), MeanAbsoluteError()) for _ in range(2))
    batch = jnp.zeros(3), jnp.arange(3.0), jnp.array([0, 1, 2])
    called(*batch)
    assert updated.update(*batch) is updated
    jax.tree.map(np.testing.assert_array_equal, updated.state_dict(), called.state_dict())
    loss, logs = LossAndLogs(MeanSquaredError(), MeanAbsoluteError()).batch_loss_epoch_logs(*batch)
    assert logs == called.compute()
    assert loss == logs["loss"]


def test_values_of_one_name_are_all_there() -> None:
    logged = LossAndLogs(
        {"loss": MeanSquaredError(), "a": MeanSquaredError()}, {"a": MeanAbsoluteError()}
    )
    logs = logged(jnp.zeros(1), jnp.array([3.0]))
    assert logs == {"loss": 18.0, "loss_1": 9.0, "a": 9.0, "a_1": 3.0}


def test_parts_may_be_built_before() -> None:
    losses, metrics, aux = (
        Losses(MeanSquaredError()),
        Metrics(MeanAbsoluteError()),
        AuxLosses(["a"]),
    )
    logged = LossAndLogs(losses, metrics, aux)
    assert (logged.losses, logged.metrics, logged.aux_losses) == (losses, metrics, aux)
    assert LossAndLogs(metrics=MeanAbsoluteError())(jnp.zeros(1), jnp.ones(1))["loss"] == 0


def test_merged_parts_are_the_whole() -> None:
    def seen(*batches: jax.Array) -> LossAndLogs:
        logged = LossAndLogs(MeanSquaredError(), MeanAbsoluteError(), ["a"])
        for batch in batches:
            logged.update(jnp.zeros_like(batch), batch, aux_losses={"a": batch.sum()})
        return logged

    assert seen(X).merge_with(seen(X[:1])).compute() == seen(X, X[:1]).compute()


@pytest.mark.parametrize("method", ["update", "__call__", "batch_loss_epoch_logs"])
def test_a_batch_that_one_refuses_is_seen_by_none(method: str) -> None:
    logged = LossAndLogs(lambda target, preds: preds.mean(), MeanAbsoluteError())
    with pytest.raises(ShapeError, match="MeanAbsoluteError: expected `target` and `preds`"):
        getattr(logged, method)(jnp.zeros(2), jnp.ones(3))
    assert all(not value.any() for value in logged.state_dict().values())


@pytest.mark.parametrize(
    ("logged", "given", "message"),
    [
        ({"aux_losses": ["a"]}, {}, "`aux_losses` when .* received aux_losses=None"),
        ({}, {"aux_metrics": {"a": 1.0}}, "`aux_metrics` when .* received aux_metrics=given"),
    ],
)
def test_what_the_model_logs_is_not_lost(logged: Any, given: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"LossAndLogs: expected {message}"):
        LossAndLogs(MeanSquaredError(), **logged)(jnp.zeros(1), jnp.ones(1), **given)


def test_something_must_be_measured() -> None:
    message = "LossAndLogs: expected losses, metrics, or logs of a model, received none of them"
    with pytest.raises(ArgumentError, match=message):
        LossAndLogs()
