"""What a step does: the numbers of a loop written by hand, and every override."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Everything, Logging, Scale, classes
from treexlite._errors import ArgumentError, DataError
from treexlite.training import Batch, Trainer, TrainState
from treexlite.training._data import shuffled


def by_hand(x: Any, y: Any, epochs: int, batch_size: int, seed: int) -> Any:
    """Train the same two layers in plain JAX; return losses by epoch and the parameters."""
    params = {
        name: jnp.array(array)
        for name, array in tx.nn.MLP([8, 3]).init(seed, x[:batch_size]).state_dict().items()
    }
    optimizer = optax.adam(1e-2)
    opt_state = optimizer.init(params)

    def loss_fn(params: Any, x: Any, y: Any) -> jax.Array:
        hidden = jax.nn.relu(x @ params["layers/0/kernel"] + params["layers/0/bias"])
        logits = hidden @ params["layers/1/kernel"] + params["layers/1/bias"]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()

    history = []
    for epoch in range(epochs):
        total = 0.0
        order = shuffled(seed, epoch, len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            loss, grads = jax.value_and_grad(loss_fn)(params, x[rows], y[rows])
            updates, opt_state = optimizer.update(grads, opt_state)
            params = optax.apply_updates(params, updates)
            total += float(loss) * len(rows)
        history.append(total / len(x))
    return history, params


def test_training_equals_a_loop_by_hand() -> None:
    x, y = classes(50)
    model = tx.nn.MLP([8, 3])
    trainer = Trainer(model, "crossentropy", optax.adam(1e-2), seed=5)
    history = trainer.fit(x, y, batch_size=16, epochs=4, verbose=0)
    losses, params = by_hand(x, y, epochs=4, batch_size=16, seed=5)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-5)
    for name, array in model.state_dict().items():
        np.testing.assert_allclose(array, params[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_losses_of_the_model_count_and_its_metrics_are_logged() -> None:
    trainer = Trainer(Logging(2.0), "mse", optax.sgd(0.0))
    x, y = np.array([1.0, 3.0, 5.0]), np.zeros(3)
    logs = trainer.fit(x, y, 2, verbose=0, shuffle=False, validation_data=(x, y)).history
    squares = 4 * (1 + 9 + 25) / 3
    np.testing.assert_allclose(logs["loss"], [squares + 6], rtol=1e-6)
    np.testing.assert_allclose(logs["val_loss"], [squares], rtol=1e-6)
    assert logs["mean"] == logs["val_mean"] == [3.0]


def test_the_model_may_bring_all_losses() -> None:
    model = Logging(2.0)
    history = Trainer(model, optimizer=optax.sgd(0.1)).fit(np.ones(4), verbose=0).history
    assert history["loss"] == [6.0]
    np.testing.assert_allclose(model.w, 2 - 0.1 * 3, rtol=1e-6)


def test_without_a_loss_metrics_can_be_measured() -> None:
    x, y = classes(20)
    model = Everything().init(0, x)
    logs = Trainer(model, metrics="accuracy").evaluate(x, y, verbose=0)
    assert list(logs) == ["accuracy"]
    np.testing.assert_allclose(
        logs["accuracy"], (model.eval()(x).argmax(-1) == y).mean(), rtol=1e-6
    )


def test_plateaus_are_seen_by_the_optimizer() -> None:
    plateau = optax.chain(optax.sgd(1.0), optax.contrib.reduce_on_plateau(patience=1, factor=0.5))
    trainer = Trainer(Scale(0.0), "mse", plateau)
    trainer.fit(np.zeros(8), np.ones(8), batch_size=1, verbose=0)  # the loss stays 1
    assert trainer.optimizer is not None
    assert trainer.optimizer.opt_state[1].scale < 1


def test_line_searches_can_evaluate_the_loss() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    trainer = Trainer(tx.nn.Linear(1), "mse", optax.lbfgs())
    history = trainer.fit(x, x[:, :1] * 2, epochs=10, verbose=0).history
    assert history["loss"][-1] < 1e-6 < history["loss"][0]


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        (Trainer(Scale(), "mse"), "Trainer.train_step: expected an optimizer, received"),
        (Trainer(Scale(), optimizer="sgd"), "a loss, or a model that writes to `LossLog` fields"),
    ],
)
def test_nothing_to_train_with_is_refused(trainer: Trainer, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        trainer.fit(np.ones(4), np.ones(4), verbose=0)
    assert trainer.state.step == 0


def test_a_loss_without_targets_is_refused() -> None:
    message = "Trainer.loss_fn: expected targets for the loss, received y=None"
    with pytest.raises(DataError, match=message):
        Trainer(Scale(), "mse", "sgd").fit(np.ones(4), verbose=0)


def test_a_loss_that_reads_no_targets_needs_none() -> None:
    class Twin(tx.Module):
        def __init__(self) -> None:
            self.encode = tx.nn.Linear(2)

        def __call__(self, a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
            return self.encode(a), self.encode(b)

    a, b = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    trainer = Trainer(Twin(), tx.losses.InfoNCE(temperature=1.0), optax.sgd(0.0))
    losses = trainer.fit((a, b), batch_size=4, shuffle=False, verbose=0).history["loss"]
    twin = trainer.model
    parts = [
        tx.losses.info_nce(None, twin(a[i], b[i]), temperature=1.0) for i in (slice(4), slice(4, 7))
    ]
    np.testing.assert_allclose(losses[0], np.concatenate(parts).mean(), rtol=1e-5)


def test_the_loss_cannot_be_replaced_behind_the_back_of_the_compiler() -> None:
    trainer = Trainer(Scale(), "mse")
    with pytest.raises(AttributeError):
        trainer.loss = None  # type: ignore[misc]


class Alone(Trainer):
    def loss_fn(self, model: Any, batch: Batch) -> Any:
        return jnp.abs(model(batch.x) - batch.y).mean()


def test_loss_fn_may_return_a_loss_alone() -> None:
    trainer = Alone(Scale(2.0), optimizer=optax.sgd(1.0))
    assert trainer.fit(np.ones(4), np.zeros(4), verbose=0).history == {"loss": [2.0]}
    assert trainer.model.w == 1


def test_metrics_need_the_predictions_of_loss_fn() -> None:
    trainer = Alone(Scale(), optimizer="sgd", metrics=tx.metrics.Mean())
    message = r"Trainer.loss_fn: expected `\(loss, preds\)` to be returned, because there are"
    with pytest.raises(ArgumentError, match=message):
        trainer.fit(np.ones(4), np.zeros(4), verbose=0)


def test_losses_of_the_model_stay_when_loss_fn_is_overridden() -> None:
    history = Alone(Logging(2.0), optimizer="sgd").fit(np.ones(4), np.zeros(4), verbose=0)
    assert history.history["loss"] == [2.0 + 6.0]


class Generator(tx.Module):
    """Two models in one, as for adversarial training."""

    def __init__(self) -> None:
        self.first, self.second = Scale(1.0), Scale(1.0)


class Adversarial(Trainer):
    """Moves the first part up and the second down, by noise from the key of the state."""

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        noise = jax.random.normal(state.next_key())
        state.model.first.w = state.model.first.w + noise
        state.model.second.w = state.model.second.w - batch.x.mean()
        return {"noise": noise}

    def predict_step(self, state: TrainState, batch: Batch) -> Any:
        assert batch.y is None
        return {"product": batch.x * state.model.first.w}


def test_every_step_can_be_overridden() -> None:
    trainer = Adversarial(Generator(), seed=1)
    history = trainer.fit(np.ones(4), batch_size=2, epochs=2, verbose=0).history
    assert history["noise"][0] != history["noise"][1]
    np.testing.assert_allclose(trainer.model.first.w, 1 + 2 * sum(history["noise"]), rtol=1e-5)
    assert trainer.model.second.w == 1 - 4
    product = trainer.predict(np.ones(3), verbose=0)["product"]
    np.testing.assert_array_equal(product, [float(trainer.model.first.w)] * 3)
    again = Adversarial(Generator(), seed=1).fit(np.ones(4), batch_size=2, epochs=2, verbose=0)
    assert again.history == history


def test_steps_can_extend_the_default() -> None:
    class Clipped(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
            logs = super().train_step(state, batch)
            state.model.w = jnp.clip(state.model.w, -1, 1)
            return logs | {"w": state.model.w}

        def eval_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
            return super().eval_step(state, batch) | {"double": 2 * state.model.w}

    trainer = Clipped(Scale(5.0), "mse", "sgd")
    data = (np.ones(4), np.ones(4))
    history = trainer.fit(*data, verbose=0, validation_data=data).history
    assert history["w"] == [1.0]
    assert history["val_double"] == [2.0]
    assert trainer.evaluate(*data, verbose=0) == {"loss": 0.0, "double": 2.0}
