"""Steps of one's own: what they may keep in the state, and what is refused.

Beside model, optimizer and metrics, a step may use any module that was assigned to the state:
another optimizer, a frozen teacher, an average. It is carried through compiled steps like the rest.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import Scale, arrays, assert_same
from treexlite._errors import NotInitializedError

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")


class Pair(tx.Module):
    """Two layers, one after the other."""

    def __init__(self) -> None:
        self.first = tx.nn.Linear(2)
        self.second = tx.nn.Linear(1)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.second(jnp.tanh(self.first(x)))


def minimise(model: Pair, part: str, x: jax.Array) -> Any:
    """Return the gradient of a loss for one of the two layers."""
    return tx.grad(lambda model: jnp.mean((model(x) - 1) ** 2), wrt=f"{part}/**")(model)


class Grouped(tx.Trainer):
    """One optimizer with a group for each layer, which move in turns."""

    def train_step(self, state: Any, batch: Any) -> dict[str, Any]:
        for part in ("first", "second"):
            state.optimizer.update(minimise(state.model, part, batch.x), state.model)
        return {}


class Separate(tx.Trainer):
    """Two optimizers, one for each layer, one of them on the state."""

    def __init__(self, model: Any, optimizer: Any, other: Any) -> None:
        super().__init__(model, optimizer=optimizer)
        self.state.other = other

    def train_step(self, state: Any, batch: Any) -> dict[str, Any]:
        grads = minimise(state.model, "first", batch.x)
        state.optimizer.update(grads.first, state.model.first)
        grads = minimise(state.model, "second", batch.x)
        state.other.update(grads.second, state.model.second)
        return {}


def separate() -> Separate:
    model = Pair().init(0, X)
    first = tx.Optimizer("adam", learning_rate=0.1).init(model.first)
    second = tx.Optimizer("sgd", learning_rate=0.2, momentum=0.9).init(model.second)
    return Separate(model, first, second)


def test_groups_that_move_in_turns_are_two_optimizers() -> None:
    grouped = Grouped(
        Pair(),
        optimizer={
            "first/**": tx.Optimizer("adam", learning_rate=0.1),
            "second/**": tx.Optimizer("sgd", learning_rate=0.2, momentum=0.9),
        },
    )
    other = separate()
    for trainer in (grouped, other):
        trainer.fit(X, batch_size=8, epochs=2, verbose=0)
    for name, array in other.model.state_dict().items():
        np.testing.assert_allclose(grouped.model.state_dict()[name], array, rtol=1e-5, atol=1e-7)
    assert grouped.optimizer is not None
    assert (int(grouped.optimizer.step), int(other.state.other.step)) == (12, 6)


def test_an_optimizer_on_the_state_is_a_part_of_it() -> None:
    trainer = separate()
    trainer.fit(X, batch_size=8, verbose=0)
    momentum = [name for name in trainer.state.state_dict() if "other/opt_state" in name]
    assert {name.rpartition("/")[2] for name in momentum} >= {"kernel", "bias"}

    whole, half = separate(), separate()
    whole.fit(X, batch_size=8, epochs=3, verbose=0)
    half.fit(X, batch_size=8, epochs=1, verbose=0)
    resumed = separate()
    resumed.state.load_state_dict(half.state.state_dict())
    resumed.fit(X, batch_size=8, epochs=3, initial_epoch=1, verbose=0)
    assert_same(arrays(resumed.state), arrays(whole.state))


def test_an_optimizer_on_the_state_has_to_be_initialised() -> None:
    model = Pair().init(0, X)
    trainer = Separate(model, tx.Optimizer("adam").init(model.first), tx.Optimizer("adam"))
    with pytest.raises(NotInitializedError, match=r"Optimizer\.update: expected an initialised"):
        trainer.fit(X, verbose=0)


def test_an_optimizer_on_the_trainer_is_as_good_as_one_on_the_state(tmp_path: Any) -> None:
    class OnTrainer(tx.Trainer):
        other: Any

        def train_step(self, state: Any, batch: Any) -> dict[str, Any]:
            assert state is self.state
            assert state.model is self.model
            grads = minimise(state.model, "second", batch.x)
            self.other.update(grads, state.model)
            return {"step": self.state.step, "updates": self.other.step - 1}

    def build() -> OnTrainer:
        trainer = OnTrainer(Pair().init(0, X))
        trainer.other = tx.Optimizer("adam").init(trainer.model)
        return trainer

    whole, half = build(), build()
    other = whole.other
    history = whole.fit(X, batch_size=8, epochs=3, verbose=0, record_steps=True)
    assert history.steps["step"] == history.steps["updates"] == list(range(whole.state.step))
    assert whole.other is other
    assert other.step == whole.state.step
    half.fit(X, batch_size=8, epochs=1, verbose=0)
    half.save(tmp_path / "run")
    resumed = build()
    resumed.restore(tmp_path / "run")
    resumed.fit(X, batch_size=8, epochs=3, verbose=0)
    assert_same(arrays(resumed.state), arrays(whole.state))
    assert_same(arrays(resumed.other), arrays(whole.other))


def test_a_teacher_on_the_state_keeps_its_mode_and_can_be_replaced() -> None:
    class Copying(tx.Trainer):
        def train_step(self, state: Any, batch: Any) -> dict[str, Any]:
            assert not state.teacher.training
            return {"teacher": state.teacher(batch.x).mean()}

        eval_step = train_step

    model = Pair().init(0, X)
    trainer = Copying(model)
    trainer.state.teacher = model.freeze().eval()  # shares its arrays with the model
    (first,) = trainer.fit(X, batch_size=8, verbose=0).history["teacher"]
    assert first == pytest.approx(float(model(X).mean()), rel=1e-4)
    trainer.state.teacher.second.bias += 1
    (second,) = trainer.fit(X, batch_size=8, verbose=0).history["teacher"]
    assert second == pytest.approx(first + 1, rel=1e-4)
    assert trainer.evaluate(X, verbose=0)["teacher"] == pytest.approx(second, rel=1e-4)


def test_a_module_on_the_state_may_take_over_arrays_of_the_model() -> None:
    class Following(tx.Trainer):
        def train_step(self, state: Any, batch: Any) -> dict[str, Any]:
            logs = super().train_step(state, batch)
            state.last.w = state.model.w
            return logs

    trainer = Following(Scale(3.0), "mse", "sgd")
    trainer.state.last = trainer.model.copy()
    trainer.fit(X, X, batch_size=8, epochs=2, verbose=0)
    np.testing.assert_array_equal(trainer.state.last.w, trainer.model.w)
    assert float(trainer.model.w) != 3.0
