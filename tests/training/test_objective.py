"""The objective: the loss, what the model adds to it, and what it logs."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.training.models import Logging, Scale
from treexlite._errors import ShapeError
from treexlite.training import Batch
from treexlite.training._objective import call, objective, short_names


def squared(model: Any, batch: Batch) -> Any:
    preds = call(model, batch.x)
    return jnp.mean((preds - batch.y) ** 2), preds


BATCH = Batch(jnp.array([1.0, 3.0]), jnp.zeros(2))


def test_without_logs_it_is_the_loss() -> None:
    loss, (preds, logs) = objective(squared, Scale(2.0), BATCH)
    assert loss == 20
    assert preds.tolist() == [2, 6]
    assert logs == {}


def test_what_the_model_wrote_is_added_and_logged() -> None:
    loss, (_, logs) = objective(squared, Logging(2.0), BATCH)
    assert loss == 20 + 6
    assert logs == {"mean": 2.0}


def test_what_an_earlier_batch_wrote_does_not_count() -> None:
    model = Logging(2.0).eval()  # the penalty is written in training mode only
    model.penalty = jnp.array(50.0)
    loss, (_, logs) = objective(squared, model, BATCH)
    assert loss == 20
    assert logs == {"mean": 2.0}


def test_every_layer_of_a_name_counts() -> None:
    model = tx.nn.Sequential(Logging(1.0), Logging(2.0))
    loss, (_, logs) = objective(squared, model, BATCH)
    assert loss == 20 + 3 + 6
    assert logs == {"layers/0/mean": 2.0, "layers/1/mean": 2.0}


def test_a_shared_layer_counts_once() -> None:
    layer = Logging(1.0)
    loss, _ = objective(squared, tx.nn.Sequential(layer, layer), BATCH)
    assert loss == 5 + 3


def test_what_the_model_wrote_is_differentiated() -> None:
    grads, _ = tx.grad(lambda model: objective(squared, model, BATCH), has_aux=True)(Logging(2.0))
    assert grads.w == 2 * 2 * 5 + 3


def test_the_model_may_bring_all_losses() -> None:
    def no_loss(model: Any, batch: Batch) -> Any:
        return None, model(batch.x)

    assert objective(no_loss, Logging(2.0), BATCH)[0] == 6
    assert objective(no_loss, Scale(2.0), BATCH)[0] is None


def test_a_loss_may_come_alone() -> None:
    loss, (preds, _) = objective(lambda model, batch: model(batch.x).sum(), Scale(2.0), BATCH)
    assert loss == 8
    assert preds is None


def test_a_loss_that_is_no_number_is_refused() -> None:
    message = r"loss_fn: expected the loss of a batch to be one number, .* shape \(2,\)"
    with pytest.raises(ShapeError, match=message):
        objective(lambda model, batch: model(batch.x), Scale(2.0), BATCH)


def test_inputs_are_arguments_of_the_model() -> None:
    class Sum(tx.Module):
        def __call__(self, a: jax.Array, b: jax.Array | float = 10.0) -> jax.Array:
            return a + b

    assert call(Sum(), jnp.array(1.0)) == 11
    assert call(Sum(), (jnp.array(1.0), 2.0)) == 3
    assert call(Sum(), {"b": 5.0, "a": jnp.array(1.0)}) == 6


def test_short_names_are_unique() -> None:
    logs = {"a/mean": 1, "b/mean": 2, "a/max": 3, "loss": 4}
    assert short_names(logs, {"loss": 0}) == {
        "model/a/mean": 1,
        "model/b/mean": 2,
        "max": 3,
        "model/loss": 4,
    }
