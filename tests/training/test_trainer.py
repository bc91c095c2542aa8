"""`Trainer` as its users meet it: arguments, objects that stay theirs, single batches."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Everything, Scale, arrays, assert_same, classes
from treexlite._errors import ArgumentError, DataError, UnknownNameError
from treexlite.training import History, Trainer, TrainState


def test_the_users_objects_are_trained() -> None:
    x, y = classes(50)
    model, optimizer = Everything(), tx.Optimizer(optax.adam(0.05))
    accuracy = tx.metrics.Accuracy()
    trainer = Trainer(model, "crossentropy", optimizer, {"right": accuracy})
    history = trainer.fit(x, y, epochs=30, verbose=0)
    assert trainer.model is model
    assert trainer.optimizer is optimizer
    assert trainer.history is history
    assert isinstance(trainer.state, TrainState)
    assert isinstance(history, History)
    assert optimizer.step == 60
    assert history.history["right"][-1] > 0.8 > history.history["right"][0]
    assert (model.eval()(x).argmax(-1) == y).mean() > 0.9
    assert accuracy.compute() == history.history["right"][-1]


def test_initialisation_follows_from_the_seed() -> None:
    x, y = classes(20)
    trainer = Trainer(Everything(), "crossentropy", optax.sgd(0.0), seed=7)
    trainer.fit(x, y, epochs=0, verbose=0)
    assert_same(arrays(trainer.model), arrays(Everything().init(7, x[:1])))


def test_an_initialised_model_is_taken_as_it_is() -> None:
    x, y = classes(20)
    model = tx.nn.MLP([8, 3]).init(3, x)
    expected = arrays(model)
    optimizer = tx.Optimizer(optax.sgd(0.0)).init(model)
    Trainer(model, "crossentropy", optimizer, seed=7).fit(x, y, verbose=0)
    assert_same(arrays(model), expected)
    assert optimizer.step == 1


def test_frozen_parts_stay() -> None:
    x, y = classes(20)
    model = tx.nn.MLP([8, 3]).init(0, x)
    model.layers[0].freeze(inplace=True)
    before = arrays(model)
    Trainer(model, "crossentropy", "adam").fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.layers[0].kernel, before["layers/0/kernel"])
    assert not np.array_equal(model.layers[1].kernel, before["layers/1/kernel"])


class Sum(tx.Module):
    """Takes several inputs: `w * a + b`."""

    w: jax.Array = tx.Parameter.node()

    def __init__(self) -> None:
        self.w = jnp.array(2.0)

    def __call__(self, a: jax.Array, b: jax.Array) -> jax.Array:
        return self.w * a + b


@pytest.mark.parametrize(
    "x", [(np.ones(3), np.arange(3.0)), {"b": np.arange(3.0), "a": np.ones(3)}]
)
def test_inputs_are_arguments(x: Any) -> None:
    trainer = Trainer(Sum(), "mse", "sgd")
    target = np.arange(3.0) + 2
    assert trainer.fit(x, target, verbose=0).history["loss"] == [0.0]
    assert trainer.evaluate(x, target, verbose=0) == {"loss": 0.0}
    np.testing.assert_array_equal(trainer.predict(x, verbose=0), target)


def test_a_model_with_several_inputs_is_initialised() -> None:
    class Pair(tx.Module):
        def __init__(self) -> None:
            self.left, self.right = tx.nn.Linear(1), tx.nn.Linear(1)

        def __call__(self, left: jax.Array, *, right: jax.Array) -> jax.Array:
            return self.left(left) + self.right(right)

    trainer = Trainer(Pair(), "mse", "adam")
    trainer.fit({"left": np.ones((4, 2)), "right": np.ones((4, 3))}, np.ones((4, 1)), verbose=0)
    assert trainer.model.right.kernel.shape == (3, 1)


def test_targets_may_be_trees() -> None:
    class Heads(Scale):
        def __call__(self, x: Any) -> Any:
            return {"a": self.w * x, "b": x}

    x = np.ones(4, np.float32)
    trainer = Trainer(Heads(), tx.losses.MeanSquaredError(on="a"), "sgd")
    history = trainer.fit(x, {"a": 0 * x, "b": np.ones((4, 7))}, verbose=0).history
    assert history["loss"] == [4.0]


def test_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Trainer(Scale(1.0), "mse", "sgd")
    data = np.ones(4), np.ones(4)
    trainer.fit(*data, batch_size=2, epochs=2, validation_data=data)
    trainer.evaluate(*data)
    trainer.predict(data[0])
    first, validated, second, _, evaluated = capsys.readouterr().out.splitlines()
    assert first.startswith("Epoch 1/2  ")
    assert first.endswith(" s  loss 0.0000")
    assert validated.endswith(" s  val_loss 0.0000")
    assert second.startswith("Epoch 2/2  ")
    assert evaluated.startswith("Evaluate  ")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3,), ArgumentError, "Trainer: expected `model` to be a `tx.Module`, received model=3"),
        ((Scale, "mse"), ArgumentError, "Pass an instance of a class that derives"),
        ((Scale(), "msee"), UnknownNameError, "Did you mean 'mse'"),
        ((Scale(), "mse", "adm"), UnknownNameError, "Did you mean 'adam'"),
        ((Scale(), "mse", "sgd", "acuracy"), UnknownNameError, "Did you mean 'accuracy'"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Trainer(*arguments)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_a_seed_is_a_natural_number(seed: Any) -> None:
    with pytest.raises(ArgumentError, match="Trainer: expected `seed` to be an integer"):
        Trainer(Scale(), seed=seed)


@pytest.mark.parametrize("steps", [0, 2.5, "fast", None])
def test_steps_per_execution_is_auto_or_a_number(steps: Any) -> None:
    with pytest.raises(ArgumentError, match="Trainer: expected `steps_per_execution` to be"):
        Trainer(Scale(), steps_per_execution=steps)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"y": np.ones(3)}, DataError, r"Trainer.fit: .* received len\(x\)=4, len\(y\)=3"),
        ({"sample_weight": np.ones(5)}, DataError, r"len\(sample_weight\)=5"),
        ({"x": np.ones((0,))}, DataError, "Trainer.fit"),
        ({"batch_size": 0}, ArgumentError, "Trainer.fit: expected `batch_size` to be an integer"),
        ({"epochs": -1}, ArgumentError, "Trainer.fit: expected `epochs` to be an integer"),
        ({"initial_epoch": -1}, ArgumentError, "`initial_epoch` to be an integer of at least 0"),
        ({"validation_freq": 0}, ArgumentError, "`validation_freq` to be an integer of at least 1"),
        ({"steps_per_epoch": 9}, DataError, "expected at least 9 batches .* steps_per_epoch=9"),
        ({"verbose": 7}, ArgumentError, "Trainer.fit: expected `verbose` to be 0"),
        (
            {"validation_data": (np.ones(3), np.ones(3)), "validation_steps": 4},
            DataError,
            "Trainer.fit, validation_data: expected at least 4 batches .* validation_steps=4",
        ),
    ],
)
def test_wrong_options_of_fit_are_refused_before_anything_changes(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    trainer = Trainer(tx.nn.Linear(1), "mse", "sgd")
    given = {"x": np.ones(4), "y": np.ones(4), "verbose": 0, **options}
    with pytest.raises(error, match=message):
        trainer.fit(**given)
    assert not trainer.model.initialized


def test_evaluate_and_predict_check_their_data() -> None:
    trainer = Trainer(Scale(), "mse")
    with pytest.raises(DataError, match=r"Trainer.evaluate: .* len\(x\)=2, len\(y\)=3"):
        trainer.evaluate(np.ones(2), np.ones(3))
    with pytest.raises(DataError, match="expected at least one example"):
        trainer.predict(np.ones(0))
    with pytest.raises(DataError, match=r"Trainer.train_on_batch: .* len\(x\)=2, len\(y\)=3"):
        trainer.train_on_batch(np.ones(2), np.ones(3))


def test_keras_word_for_the_usual_output_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Trainer(tx.nn.Linear(3), "crossentropy", "sgd")
    trainer.fit(*classes(8), epochs=1, verbose="auto")
    assert capsys.readouterr().out.startswith("Epoch 1/1")
