"""The order of events in `fit`, `evaluate` and `predict`."""

import signal
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Everything, Scale, arrays, assert_same, classes
from treexlite._errors import ShapeError
from treexlite.training import Batch, Trainer, TrainState, _step


def trained(
    seed: int = 0, model: Any = None, **options: Any
) -> tuple[Trainer, dict[str, list[Any]]]:
    x, y = classes(50)
    model = tx.nn.MLP([8, 3]) if model is None else model
    trainer = Trainer(model, "crossentropy", "adam", ["accuracy"], seed=seed)
    settings = {"batch_size": 16, "epochs": 2, "verbose": 0, **options}
    return trainer, trainer.fit(x, y, **settings).history


def test_equal_seeds_give_equal_bits_and_others_do_not() -> None:
    (first, history), (second, again) = (trained(3, Everything(), epochs=3) for _ in range(2))
    assert history == again
    assert_same(arrays(first.state), arrays(second.state))
    assert trained(4)[1] != trained(3)[1]


def test_validation_changes_nothing_in_training() -> None:
    (first, history), (second, validated) = (
        trained(model=Everything(), steps_per_epoch=3, **options)
        for options in ({}, {"validation_data": classes(20, 1)})
    )
    assert [validated[name] for name in history] == list(history.values())
    assert_same(arrays(first.model), arrays(second.model))


def test_training_goes_on_where_it_stopped() -> None:
    whole, history = trained(epochs=3, batch_size=25)
    parts, begun = trained(epochs=1, batch_size=25)
    rest = parts.fit(*classes(50), batch_size=25, epochs=3, initial_epoch=1, verbose=0)
    assert rest.epoch == [1, 2]
    assert begun["loss"] + rest.history["loss"] == history["loss"]
    assert_same(arrays(whole.model), arrays(parts.model))


class Frozen(Trainer):
    """Takes no steps, so that every epoch sees the same model; logs which examples came."""

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        logs = self.eval_step(state, batch)
        return logs | {"first": batch.x[0, 0]}


def frozen(reduction: Any = "sum_over_batch_size") -> tuple[Trainer, np.ndarray, np.ndarray]:
    x, y = classes(50)
    model = tx.nn.MLP([8, 3]).init(0, x)
    loss = tx.losses.CrossEntropy(reduction=reduction)
    return Frozen(model, loss, metrics=["accuracy"]), x, y


@pytest.mark.parametrize("batch_size", [1, 16, 25, 50, 1000])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "weighted_mean"])
def test_logs_are_those_of_all_the_data_whatever_the_batches(
    batch_size: int, weighted: bool, reduction: str
) -> None:
    trainer, x, y = frozen(reduction)
    weights = np.random.default_rng(0).uniform(size=50) if weighted else np.ones(50)
    logits = np.asarray(trainer.model(x), np.float64)
    losses = np.log(np.exp(logits).sum(-1)) - logits[np.arange(50), y]
    right = logits.argmax(-1) == y
    divisor = weights.sum() if reduction == "weighted_mean" else 50
    expected = {
        "loss": (weights * losses).sum() / divisor,
        "accuracy": np.average(right, weights=weights),
    }
    given = weights if weighted else None
    data = (x, y) if given is None else (x, y, given)
    history = trainer.fit(
        x, y, batch_size, sample_weight=given, validation_data=data, verbose=0
    ).history
    measured = trainer.evaluate(x, y, batch_size, sample_weight=given, verbose=0)
    for name, value in expected.items():
        np.testing.assert_allclose(history[name], [value], rtol=1e-5)
        np.testing.assert_allclose(history[f"val_{name}"], [value], rtol=1e-5)
        np.testing.assert_allclose(measured[name], value, rtol=1e-5)


def test_validation_comes_from_the_end() -> None:
    trainer, x, y = frozen()
    history = trainer.fit(x, y, validation_split=0.2, verbose=0).history
    held_out = trainer.evaluate(x[40:], y[40:], verbose=0)
    rest = trainer.evaluate(x[:40], y[:40], verbose=0)
    np.testing.assert_allclose(history["val_loss"], held_out["loss"], rtol=1e-6)
    np.testing.assert_allclose(history["loss"], rest["loss"], rtol=1e-6)


def test_validation_can_be_rare_and_short() -> None:
    trainer, x, y = frozen()
    history = trainer.fit(
        x,
        y,
        epochs=5,
        verbose=0,
        validation_data=(x, y),
        validation_freq=2,
        validation_steps=2,
        validation_batch_size=5,
    )
    assert len(history.history["val_loss"]) == 2
    expected = trainer.evaluate(x[:10], y[:10], verbose=0)["loss"]
    np.testing.assert_allclose(history.history["val_loss"], expected, rtol=1e-6)


def test_shuffling_can_be_left_out() -> None:
    trainer, x, y = frozen()
    plain = trainer.fit(x, y, 50, epochs=2, shuffle=False, verbose=0).history["first"]
    assert plain == [float(x[0, 0])] * 2
    shuffled = trainer.fit(x, y, 50, epochs=2, verbose=0).history["first"]
    assert shuffled[0] != shuffled[1]


def test_steps_can_be_limited() -> None:
    trainer, _ = trained(steps_per_epoch=2)
    assert trainer.state.step == 4
    trainer, _ = trained(drop_remainder=True)
    assert trainer.state.step == 6
    x, y = classes(50)
    trainer.evaluate(x, y, steps=1, verbose=0)
    assert trainer.predict(x, 16, steps=2, verbose=0).shape == (32, 3)


def test_no_epochs_only_initialise() -> None:
    trainer, history = trained(epochs=0)
    assert history == {}
    assert trainer.model.initialized
    assert trainer.optimizer is not None
    assert trainer.optimizer.initialized


def test_the_device_is_asked_once_for_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Any] = []
    original = _step.fetch
    monkeypatch.setattr(_step, "fetch", lambda tree: fetched.append(tree) or original(tree))
    for name in ("__float__", "__int__", "__index__", "__bool__"):
        monkeypatch.setattr(type(jnp.ones(1)), name, None)
    x, y = classes(50)
    trainer, _ = trained(batch_size=2, epochs=3, validation_data=(x, y))
    assert len(fetched) == 3 + 3
    trainer.evaluate(x, y, 2, verbose=0)
    assert len(fetched) == 7


def test_predictions_keep_the_order_and_the_tree() -> None:
    class Heads(Scale):
        def __call__(self, x: Any) -> Any:
            return {"a": self.w * x, "b": (x.astype(jnp.int32), x[:, None])}

    x = np.arange(10, dtype=np.float32)
    trainer = Trainer(Heads())
    preds = trainer.predict(x, batch_size=4, verbose=0)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(preds))
    np.testing.assert_array_equal(preds["a"], 2 * x)
    np.testing.assert_array_equal(preds["b"][0], x.astype(int))
    np.testing.assert_array_equal(preds["b"][1], x[:, None])


def test_predictions_without_an_axis_are_refused() -> None:
    class Mean(Scale):
        def __call__(self, x: Any) -> Any:
            return x.mean()

    message = "Trainer.predict: expected outputs whose first axis counts the examples, received"
    with pytest.raises(ShapeError, match=message):
        Trainer(Mean()).predict(np.ones(3), verbose=0)


class Stopping(Trainer):
    """Does something on the host while the steps of an epoch run."""

    def __init__(self, *args: Any, at: int, action: Any) -> None:
        super().__init__(*args)
        self.countdown, self.action = at, action
        train = self._programs.train

        def counted(*arguments: Any) -> None:
            train(*arguments)
            self.countdown -= 1
            if self.countdown == 0:
                self.action(self)

        self._programs.train = counted  # type: ignore[method-assign]


def test_stop_training_ends_after_the_step() -> None:
    def stop(trainer: Trainer) -> None:
        trainer.stop_training = True

    trainer = Stopping(Scale(), "mse", "sgd", at=5, action=stop)
    history = trainer.fit(np.ones(8), np.ones(8), 2, epochs=4, verbose=0)
    assert trainer.state.step == 5
    assert history.epoch == [0, 1]
    trainer.fit(np.ones(8), np.ones(8), 2, verbose=0)  # and the next training starts again
    assert trainer.state.step == 9


@pytest.fixture
def _python_handler() -> Iterator[None]:
    """Tests may run in a process that ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_python_handler")
def test_an_interruption_leaves_the_last_complete_step() -> None:
    def interrupt(trainer: Trainer) -> None:
        signal.raise_signal(signal.SIGINT)

    x, y = classes(40)
    trainer = Stopping(tx.nn.MLP([8, 3]), "crossentropy", "adam", at=6, action=interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(x, y, 10, epochs=3, verbose=0)
    assert trainer.state.step == 6
    assert trainer.history.epoch == [0]
    whole = Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam")
    whole.fit(x, y, 10, verbose=0)
    whole.fit(x, y, 10, epochs=2, initial_epoch=1, steps_per_epoch=2, verbose=0)
    assert_same(arrays(trainer.model), arrays(whole.model))


def test_an_error_in_a_step_leaves_the_model_as_it_was() -> None:
    class Wrong(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            model.w = model.w + 1
            raise ValueError("in the loss")

    model = Scale(2.0)
    with pytest.raises(ValueError, match="in the loss"):
        Wrong(model, optimizer="sgd").fit(np.ones(4), verbose=0)
    assert model.w == 2


def test_donation_leaves_what_others_hold() -> None:
    x, y = classes(32)
    model = Everything().init(0, x)
    copy, before, expected = model.copy(), model.state_dict(), arrays(model)
    optimizer = optax.adam(0.1)
    Trainer(model, "crossentropy", optimizer).fit(x, y, 8, epochs=2, verbose=0)
    assert_same(arrays(copy), expected)
    assert_same({name: np.asarray(array) for name, array in before.items()}, expected)
    assert not np.array_equal(model.linear.kernel, expected["linear/kernel"])


def test_without_donation_the_numbers_are_the_same() -> None:
    x, y = classes(32)
    trainers = [
        Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam", donate=donate)
        for donate in (True, False)
    ]
    donated, kept = [trainer.fit(x, y, 8, verbose=0).history for trainer in trainers]
    assert donated == kept
