"""What a step may do and return."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.models import Scale, arrays, assert_same
from treexlite._errors import ArgumentError, ShapeError
from treexlite.training import Batch, Trainer, TrainState
from treexlite.training._checks import check_names, check_rows, checked

X = np.ones(10, np.float32)


@pytest.mark.parametrize("logs", [3.0, [("loss", 1.0)], {1: 2.0}, {"": 1.0}])
def test_logs_that_are_no_dict_of_names_are_refused(logs: Any) -> None:
    message = "train_step: expected `{name: number}` to be returned, received"
    with pytest.raises(ArgumentError, match=message):
        checked("train_step", logs)


def test_no_logs_are_fine() -> None:
    assert checked("train_step", None) == {}


def test_names_may_not_depend_on_the_shape_of_a_batch() -> None:
    class Changing(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            return {"a": 1.0} if len(batch.x) == 4 else {"b": 2.0}

    message = r"Trainer.train_step: expected the same names in the logs of all steps: a, received b"
    with pytest.raises(ArgumentError, match=message):
        Changing(Scale()).fit(X, batch_size=4, verbose=0)
    check_names("test", ("a", "b"), ("b", "a"))


@pytest.mark.parametrize("logs", [{"a": "abc"}, {"a": None}, {"a": {"b": 1.0}}, {"a": X}])
def test_logs_have_to_be_numbers(logs: Any) -> None:
    class Wrong(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            return logs

    with pytest.raises(ArgumentError, match="expected logs that are numbers, one for each name"):
        Wrong(Scale()).fit(X, verbose=0)


def replaced(state: TrainState) -> None:
    state.model = state.model.copy()


def counted(state: TrainState) -> None:
    state.step = state.step + 10


@pytest.mark.parametrize(("action", "name"), [(replaced, "model"), (counted, "step")])
def test_what_has_to_stay_in_its_place(action: Any, name: str) -> None:
    class Wrong(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            action(state)
            return {}

    trainer = Wrong(Scale(2.0))
    model = trainer.model
    with pytest.raises(ArgumentError, match=rf"expected `state.{name}` to stay what it is"):
        trainer.fit(X, verbose=0)
    assert trainer.model is model
    assert trainer.state.step == 0


def test_evaluation_may_not_train() -> None:
    class Wrong(Trainer):
        def eval_step(self, state: TrainState, batch: Batch) -> Any:
            state.model.w = state.model.w * 0
            return {}

    trainer = Wrong(Scale(2.0))
    before = arrays(trainer.model)
    with pytest.raises(ArgumentError, match=r"`state.model/w` to stay.*Only `train_step` may"):
        trainer.evaluate(X, verbose=0)
    assert_same(arrays(trainer.model), before)


@pytest.mark.parametrize("output", [jnp.ones(3), jnp.ones(()), 3.0])
def test_predictions_are_one_for_each_example(output: Any) -> None:
    with pytest.raises(ShapeError, match=r"Trainer.predict: expected outputs whose first axis"):
        check_rows({"a": jnp.ones((4, 2)), "b": output}, Batch(jnp.ones((4, 5))))
    check_rows(jnp.ones((4, 2)), Batch({"x": jnp.ones((4, 5))}))


def test_values_that_are_not_there_yet_come_with_advice() -> None:
    class Deciding(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            return {"a": 1.0 if batch.x.mean() > 0 else 0.0}

    with pytest.raises(jax.errors.TracerBoolConversionError) as caught:
        Deciding(Scale()).fit(X, verbose=0)
    assert "run_eagerly=True" in caught.value.__notes__[0]
