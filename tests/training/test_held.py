"""What a step sees of its trainer."""

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.models import Scale, arrays, assert_same
from treexlite._errors import ArgumentError
from treexlite.training import Batch, Trainer, TrainState

X = np.ones(8, np.float32)


class Teaching(Trainer):
    """Learns what its teacher says, and counts."""

    teacher: Any
    counter: Any

    def train_step(self, state: TrainState, batch: Batch) -> Any:
        self.counter.w = self.counter.w + 1
        return super().train_step(state, batch)

    def loss_fn(self, model: Any, batch: Batch) -> Any:
        return jnp.mean((model(batch.x) - self.teacher(batch.x)) ** 2)


def teaching(**options: Any) -> Teaching:
    trainer = Teaching(Scale(0.0), optimizer="sgd", **options)
    trainer.teacher, trainer.counter = Scale(3.0).freeze(), Scale(0.0)
    return trainer


@pytest.mark.parametrize("options", [{}, {"donate": False}, {"run_eagerly": True}])
def test_modules_in_attributes_are_read_and_carried(options: Any) -> None:
    trainer = teaching(**options)
    teacher, counter = trainer.teacher, trainer.counter
    trainer.fit(X, batch_size=2, epochs=2, verbose=0)
    steps = int(trainer.state.step)
    assert trainer.teacher is teacher
    assert trainer.counter is counter
    assert counter.w == steps
    assert trainer.history.history["loss"][0] > trainer.history.history["loss"][-1]
    trainer.teacher = Scale(-1.0).freeze()  # the next steps see the new one, compiled as they are
    before = float(trainer.model.w)
    trainer.train_on_batch(X)
    assert float(trainer.model.w) < before
    assert counter.w == steps + 1


def test_gradients_and_replays_leave_them_alone() -> None:
    trainer = teaching()
    trainer.fit(X, batch_size=2, verbose=0)
    before = arrays(trainer.counter)
    gradient = trainer.gradients(Batch(jnp.asarray(X))).w
    assert gradient == pytest.approx(2 * (float(trainer.model.w) - 3), rel=1e-5)
    trainer.replay(trainer.state.copy(), Batch(jnp.asarray(X)))
    assert_same(arrays(trainer.counter), before)


def test_an_assignment_to_the_trainer_is_refused_and_undone() -> None:
    class Remembering(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            self.last = batch.x.mean()
            return {}

    trainer = Remembering(Scale())
    message = r"a compiled step to change the state.*received an assignment to self.last"
    with pytest.raises(ArgumentError, match=message):
        trainer.fit(X, verbose=0)
    assert not hasattr(trainer, "last")


def test_an_eager_step_may_assign() -> None:
    class Remembering(Trainer):
        count = 0

        def train_step(self, state: TrainState, batch: Batch) -> Any:
            if not isinstance(batch.x, jax.core.Tracer):
                self.count += 1
            return {}

    trainer = Remembering(Scale(), run_eagerly=True)
    trainer.fit(X, batch_size=2, verbose=0)
    assert trainer.count == 4


def test_a_flag_set_in_a_compiled_step_is_refused() -> None:
    class Stopping(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            self.stop_training = True
            return {}

    trainer = Stopping(Scale())
    with pytest.raises(ArgumentError, match=r"assignment to self.stop_training"):
        trainer.fit(X, verbose=0)
    assert not trainer.stop_training


def test_the_trainer_is_copied_with_them() -> None:
    trainer = teaching()
    trainer.fit(X, batch_size=2, verbose=0)
    for twin in (copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))):
        twin.fit(X, batch_size=2, verbose=0)
        assert twin.counter.w == trainer.counter.w + 4
        assert twin.counter is not trainer.counter
