"""Saving a training, and going on with it to the same bits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.training.models import Everything, arrays, assert_same, classes
from treexlite._errors import (
    ArgumentError,
    CheckpointError,
    NotInitializedError,
    StateDictError,
)
from treexlite.training import Trainer


class Killed(Exception):
    """Stands for the end of the process."""


class KillAt(tx.callbacks.Callback):
    """Ends the training in the middle of everything."""

    needs_logs = False

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.trainer.position.step == self.step:
            raise Killed


def trainer(**options: Any) -> Trainer:
    return Trainer(Everything(), "crossentropy", "adam", ["accuracy"], **options)


def data(streamed: bool) -> dict[str, Any]:
    x, y = classes(20)

    def batches() -> Iterator[Any]:
        return ((x[n : n + 6], y[n : n + 6]) for n in range(0, 20, 6))

    return {"x": batches} if streamed else {"x": x, "y": y, "batch_size": 6}


KILLS = [(step, save_freq) for step in (1, 3, 4, 6, 13) for save_freq in (1, 3, "epoch")]
KILLS = KILLS if ALL_LAWS else [(1, 1), (3, 3), (6, 1), (13, "epoch")]
SETTINGS = {"epochs": 4, "verbose": 0, "validation_data": classes(10), "record_steps": True}


@pytest.fixture(scope="module", params=[False, True], ids=["arrays", "stream"])
def whole(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Trainer]:
    """A training that nobody interrupts: 4 epochs of 4 steps."""
    given, uninterrupted = data(request.param), trainer()
    reducing = tx.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
    uninterrupted.fit(**given, **SETTINGS, callbacks=[reducing])
    return given, uninterrupted


@pytest.mark.parametrize(("step", "save_freq"), KILLS)
def test_the_same_script_ends_with_the_same_bits(
    whole: Any, step: int, save_freq: Any, tmp_path: Path
) -> None:
    given, expected = whole

    def run(*more: Any) -> Trainer:
        again = trainer()
        reducing = tx.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
        backup = tx.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=save_freq)
        again.fit(**given, **SETTINGS, callbacks=[reducing, backup, *more])
        return again

    with pytest.raises(Killed):
        run(KillAt(step))
    continued = run()
    assert_same(arrays(continued.state), arrays(expected.state))
    assert continued.history.history == expected.history.history
    assert continued.history.epoch == expected.history.epoch
    assert continued.history.steps == expected.history.steps
    assert continued.position == expected.position
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("ready", [True, False])
def test_a_restored_trainer_goes_on(whole: Any, ready: bool, tmp_path: Path) -> None:
    given, expected = whole
    first = trainer()
    first.fit(**given, **{**SETTINGS, "epochs": 2})
    first.save(tmp_path / "run")
    second = trainer()
    if ready:
        second.fit(**given, epochs=0, verbose=0)
    second.restore(tmp_path / "run")
    assert second.history.epoch == [0, 1]
    assert second.evaluate(**given, verbose=0) == first.evaluate(**given, verbose=0)
    second.fit(**given, **{**SETTINGS, "epochs": 3})
    assert second.history.epoch == [0, 1, 2]
    first.fit(**given, **SETTINGS, initial_epoch=2)
    second.fit(**given, **SETTINGS, initial_epoch=3)
    assert second.history.epoch == [3]
    assert_same(arrays(first.state), arrays(second.state))
    assert expected.state.step == second.state.step


def test_what_is_no_training_is_refused(tmp_path: Path) -> None:
    first = trainer()
    with pytest.raises(NotInitializedError):
        first.save(tmp_path / "run")
    first.fit(**data(False), verbose=0)
    tx.save(tmp_path / "model", first.model)
    before = arrays(first.state)
    message = r"Trainer.restore: expected a training that `Trainer.save` wrote.*tx.load\(path, into"
    with pytest.raises(CheckpointError, match=message):
        first.restore(tmp_path / "model")
    other = Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam")
    other.fit(**data(False), verbose=0)
    other.save(tmp_path / "run")
    with pytest.raises(StateDictError):
        first.restore(tmp_path / "run")
    assert_same(arrays(first.state), before)
    assert first.position.epoch == 1
    assert not first.is_restored


def test_a_damaged_file_is_noticed_before_data_comes(tmp_path: Path) -> None:
    first = trainer()
    first.fit(**data(False), verbose=0)
    first.save(tmp_path / "run")
    (file,) = (tmp_path / "run").glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    second = trainer()
    with pytest.raises(CheckpointError):
        second.restore(tmp_path / "run")
    assert not second.is_restored
    second.fit(**data(False), verbose=0)
    np.testing.assert_array_equal(second.state.step, first.state.step)


class At(tx.callbacks.Callback):
    """Calls a function with the trainer at one of the hooks."""

    needs_logs = False

    def __init__(self, hook: str, function: Any) -> None:
        setattr(self, hook, lambda *_: function(self.trainer))


BRIEF = {**data(False), "epochs": 2, "verbose": 0}


def test_an_evaluation_before_going_on_changes_nothing(tmp_path: Path) -> None:
    saving = tx.callbacks.ModelCheckpoint(str(tmp_path / "{step}"), save_freq=2)
    expected = trainer().fit(**BRIEF, callbacks=saving)
    restored = trainer()
    restored.restore(tmp_path / "6")
    restored.evaluate(*classes(9, 1), verbose=0)
    restored.test_on_batch(*classes(9, 1))
    assert restored.fit(**BRIEF, callbacks=saving).history == expected.history


def test_an_interrupted_validation_can_be_continued(tmp_path: Path) -> None:
    def interrupt(trainer: Trainer) -> None:
        if trainer.position.epoch == 1:
            raise KeyboardInterrupt

    given = {**BRIEF, "validation_data": classes(9, 1), "validation_batch_size": 2}
    uninterrupted, interrupted, restored = trainer(), trainer(), trainer()
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(**given, callbacks=At("on_test_batch_end", interrupt))
    interrupted.save(tmp_path / "saved")
    restored.restore(tmp_path / "saved")
    assert restored.fit(**given).history == uninterrupted.fit(**given).history


def test_a_running_fit_is_not_moved_elsewhere(tmp_path: Path) -> None:
    def refused(trainer: Trainer) -> None:
        with pytest.raises(ArgumentError, match=r"restore: expected `fit` not to be in the middle"):
            trainer.restore(tmp_path / "saved")

    saved = trainer()
    expected = saved.fit(**BRIEF).history
    saved.save(tmp_path / "saved")
    refusals = [At("on_train_batch_end", refused), At("on_epoch_end", refused)]
    assert trainer().fit(**BRIEF, callbacks=refusals).history == expected


def test_what_a_callback_logs_after_an_evaluation_is_saved(tmp_path: Path) -> None:
    class Logs(tx.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["more"] = self.trainer.evaluate(*classes(9, 1), verbose=0)["loss"]

    restored = trainer()
    saving = tx.callbacks.ModelCheckpoint(str(tmp_path / "saved"))
    history = trainer().fit(**BRIEF, callbacks=[Logs(), saving])
    restored.restore(tmp_path / "saved")
    assert restored.history.history["more"] == history.history["more"]


def test_what_is_saved_in_a_validation_can_be_continued(tmp_path: Path) -> None:
    def save(trainer: Trainer) -> None:
        if trainer.position.epoch == 0:
            trainer.save(tmp_path / "saved")

    given = {**BRIEF, "validation_data": classes(9, 1), "validation_batch_size": 2}
    expected = trainer().fit(**given, callbacks=At("on_test_batch_end", save)).history
    restored = trainer()
    restored.restore(tmp_path / "saved")
    assert restored.fit(**given).history == expected


def test_a_training_that_does_not_fit_is_refused_each_time(tmp_path: Path) -> None:
    first, other = trainer(), Trainer(tx.nn.Linear(3), "crossentropy", "adam", ["accuracy"])
    first.fit(**BRIEF)
    first.save(tmp_path / "saved")
    other.restore(tmp_path / "saved")
    for _ in range(2):
        with pytest.raises(StateDictError, match="load of"):
            other.fit(**BRIEF)
    other.save(tmp_path / "other")
    other.restore(tmp_path / "other")
    other.evaluate(*classes(9), verbose=0)
