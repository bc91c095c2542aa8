"""Penalties on parameters join the loss, and constraints are restored after updates."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Logging, Scale
from treexlite._errors import ArgumentError, PathError, UnknownNameError
from treexlite.regularizers import L1, L2
from treexlite.training import Batch, Trainer
from treexlite.training._objective import objective

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = X[:, :1].copy()


def linear() -> Any:
    return tx.nn.Linear(1, kernel_init="ones").init(0, X)


def data_loss(model: Any) -> float:
    return float(np.square(np.asarray(model(X)) - Y).mean())


def test_a_step_descends_the_loss_and_the_penalty() -> None:
    model, expected = linear(), linear()
    trainer = Trainer(model, "mse", optax.sgd(0.1), regularizers=L2(0.5))
    history = trainer.fit(X, Y, batch_size=12, verbose=0).history

    def loss(model: Any) -> jax.Array:
        return jnp.mean((model(X) - Y) ** 2) + 0.5 * jnp.sum(model.kernel**2)

    value, grads = tx.value_and_grad(loss)(expected)
    tx.Optimizer(optax.sgd(0.1)).init(expected).update(grads, expected)
    np.testing.assert_allclose(history["loss"], [value], rtol=1e-6)
    np.testing.assert_allclose(model.kernel, expected.kernel, rtol=1e-6)
    np.testing.assert_allclose(model.bias, expected.bias, rtol=1e-6)


def test_those_of_the_trainer_and_of_layers_add_up_in_training_and_evaluation() -> None:
    model = linear()
    model.regularizer = L1(0.25)
    trainer = Trainer(
        model, "mse", optax.sgd(0.0), regularizers=["l2", lambda kernel: 2 * kernel.sum()]
    )
    expected = data_loss(model) + 0.25 * 3 + 0.01 * 3 + 2 * 3
    history = trainer.fit(X, Y, batch_size=5, verbose=0, validation_data=(X, Y)).history
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-5)
    np.testing.assert_allclose(history["val_loss"], [expected], rtol=1e-5)
    logs = trainer.evaluate(X, Y, batch_size=7, verbose=0)
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(trainer.penalty(model), expected - data_loss(model), rtol=1e-5)


def test_a_regularizer_may_be_put_on_a_layer_between_two_fits() -> None:
    trainer = Trainer(linear(), "mse", optax.sgd(0.0))
    first = trainer.fit(X, Y, batch_size=12, verbose=0).history["loss"][0]
    trainer.model.regularizer = L2(1.0)
    second = trainer.fit(X, Y, batch_size=12, verbose=0).history["loss"][0]
    np.testing.assert_allclose(second - first, 3, rtol=1e-5)


def test_an_overridden_loss_gets_the_penalty_too() -> None:
    class Alone(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            return jnp.abs(model(batch.x)).mean()

    trainer = Alone(Scale(2.0), optimizer=optax.sgd(0.0), regularizers=L2(1.0, which="w"))
    history = trainer.fit(np.ones(4), verbose=0).history
    assert history == {"loss": [2.0 + 4.0]}


def test_an_overridden_step_can_add_it() -> None:
    class Own(Trainer):
        def train_step(self, state: Any, batch: Batch) -> dict[str, Any]:
            def loss_fn(model: Any) -> jax.Array:
                return model(batch.x).mean() + self.penalty(model)

            loss, grads = tx.value_and_grad(loss_fn)(state.model)
            state.optimizer.update(grads, state.model)
            return {"loss": loss}

    trainer = Own(Scale(2.0), optimizer=optax.sgd(0.0), regularizers=L2(1.0, which="w"))
    assert trainer.fit(np.ones(4), verbose=0).history == {"loss": [2.0 + 4.0]}


def test_a_penalty_is_no_loss_by_itself() -> None:
    penalties = Trainer(Scale(2.0), regularizers=L2(1.0, which="w"))._penalties

    def no_loss(model: Any, batch: Any) -> Any:
        return None, model(batch)

    assert objective(no_loss, Scale(2.0), jnp.ones(2), penalties)[0] is None
    assert objective(no_loss, Logging(2.0), jnp.ones(2), penalties)[0] == 6 + 4
    with pytest.raises(ArgumentError, match="expected a loss, or a model that writes"):
        Trainer(Scale(), optimizer="sgd", regularizers=L2(which="w")).fit(np.ones(4), verbose=0)


def test_without_penalties_the_objective_is_the_loss_itself() -> None:
    loss = jnp.array(-0.0, jnp.bfloat16)
    penalties = Trainer(Scale())._penalties
    assert objective(lambda model, batch: loss, Scale(), None, penalties)[0] is loss


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0.1, ArgumentError, "Trainer: expected `regularizers` to be a `tx.regularizers.Regul"),
        (["l1", "l3"], UnknownNameError, r"Trainer: .* Did you mean 'l"),
    ],
)
def test_what_is_no_regularizer_is_refused(
    value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Trainer(Scale(), "mse", regularizers=value)


def test_a_model_without_such_parameters_is_refused_before_the_first_step() -> None:
    trainer = Trainer(Scale(2.0), "mse", "sgd", regularizers="l2")
    with pytest.raises(PathError, match=r"L2: .* received floating parameters at 'w'"):
        trainer.fit(np.ones(4), np.ones(4), verbose=0)
    assert trainer.state.step == 0
    assert trainer.model.w == 2


def test_regularizers_cannot_be_replaced_behind_the_back_of_the_compiler() -> None:
    trainer = Trainer(Scale(), "mse", regularizers="l2")
    assert [type(regularizer) for regularizer in trainer.regularizers] == [L2]
    with pytest.raises(AttributeError):
        trainer.regularizers = ()  # type: ignore[misc]


@pytest.mark.parametrize("donate", [False, True])
def test_constraints_of_layers_hold_after_each_step(donate: bool) -> None:
    class Watching(Trainer):
        def train_step(self, state: Any, batch: Batch) -> dict[str, Any]:
            logs = super().train_step(state, batch)
            return logs | {"length": jnp.linalg.norm(state.model.layers[1].kernel)}

    model = tx.nn.Sequential(tx.nn.Linear(4), tx.nn.Linear(1))
    model.layers[1].constraint = tx.constraints.UnitNorm()
    frozen = model.layers[0]
    frozen.constraint = tx.constraints.MaxNorm(0.0)
    frozen.freeze(inplace=True)
    trainer = Watching(model, "mse", optax.sgd(0.5), donate=donate)
    history = trainer.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["length"], 1, rtol=1e-6)
    np.testing.assert_allclose(jnp.linalg.norm(model.layers[1].kernel), 1, rtol=1e-6)
    assert trainer.state.step == 6
    assert jnp.abs(model.layers[0].kernel).max() > 0
    trainer.evaluate(X, Y, verbose=0)


def test_a_model_without_constraints_costs_nothing() -> None:
    def equations(model: Any) -> int:
        trainer = Trainer(model, "mse", optax.sgd(0.1))
        trainer.optimizer.init(model, inplace=True)  # type: ignore[union-attr]
        batch = Batch(jnp.asarray(X), jnp.asarray(Y))
        step = tx.make_jaxpr(lambda state: trainer.train_step(state, batch)["loss"])
        return str(step(trainer.state)).count(" = ")

    plain, constrained = linear(), linear()
    without = equations(plain)
    plain.constraint = None
    constrained.constraint = "non_neg"
    assert equations(plain) == without < equations(constrained)
