"""Saving a training, and going on with it to the same bits."""

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.training.models import Everything, arrays, assert_same, classes
from tests.training.sources import Loader, Numbers
from treexlite._errors import (
    ArgumentError,
    CheckpointError,
    CheckpointWarning,
    NotInitializedError,
    StateDictError,
)
from treexlite.checkpoints import Checkpoint
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
        return ((x[n : n + 5], y[n : n + 5]) for n in range(0, 20, 5))

    return {"x": batches} if streamed else {"x": x, "y": y, "batch_size": 5}


# Whether the data are a stream, the step of the end, and how often is saved.
KILLS: list[tuple[bool, int, Any]] = [
    (False, 1, 1),
    (False, 13, "epoch"),
    (True, 3, 3),
    (True, 6, 1),
]
if ALL_LAWS:
    KILLS = list(itertools.product((False, True), (1, 3, 4, 6, 13), (1, 3, "epoch")))
SETTINGS = {"epochs": 4, "verbose": 0, "validation_data": classes(10), "record_steps": True}


@pytest.fixture(scope="module")
def whole(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Trainer]:
    """A training that nobody interrupts: 4 epochs of 4 steps."""
    given, uninterrupted = data(request.param), trainer()
    reducing = tx.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
    uninterrupted.fit(**given, **SETTINGS, callbacks=[reducing])
    return given, uninterrupted


@pytest.mark.parametrize(("whole", "step", "save_freq"), KILLS, indirect=["whole"])
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


@pytest.mark.parametrize(
    ("whole", "ready"),
    list(itertools.product((False, True), (False, True)))
    if ALL_LAWS
    else [(False, False), (True, True)],
    indirect=["whole"],
)
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


@pytest.mark.parametrize("ready", [False, True])
def test_a_learning_rate_that_is_set_after_restoring_stays(ready: bool, tmp_path: Path) -> None:
    x = np.ones((4, 2), np.float32)

    def trained(rate: float, epochs: int) -> Trainer:
        groups = {name: tx.Optimizer("sgd", learning_rate=rate) for name in ("bias", "kernel")}
        new = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer=groups)
        if epochs or ready:
            new.fit(x, x[:, :1], epochs=epochs, verbose=0)
        return new

    trained(0.5, epochs=1).save(tmp_path / "run")
    again = trained(0.125, epochs=0)
    again.restore(tmp_path / "run")
    again.optimizer.learning_rate = {"bias": 0.25}
    again.evaluate(x, x[:, :1], verbose=0)
    rates = {name: float(rate) for name, rate in again.optimizer.learning_rate.items()}
    assert rates == {"bias": 0.25, "kernel": 0.5}  # the kernel's is that of the checkpoint


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


class Shuffling(Loader):
    """Examples in an order that nobody can guess."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, 20)

    def __iter__(self) -> Iterator[Any]:
        x, y = classes(20)
        if self.order is None:
            self.order = self.generator.permutation(20)
        while len(self.order):
            rows, self.order = self.order[:6], self.order[6:]
            self.read += 1
            yield x[rows], y[rows]
        self.order = None


class Validating(Numbers):
    """An iterator that goes on from validation to validation, with a state."""

    def __next__(self) -> Any:
        super().__next__()
        return classes(6, self.next)


def drawn(seed: int) -> Iterator[Any]:
    """An iterator without end, and without a state."""
    dice = np.random.default_rng(1)
    while True:
        yield classes(6, int(dice.integers(1000)))


STREAMS: list[tuple[Any, int | None]] = [(Shuffling, None), (Shuffling, 3), (drawn, 3)]
STEPS = [(2, 1), (3, 1), (4, 1), (8, 3), (11, 1)]
# The number of the stream, the step of the end, and how often is saved.
GOING_ON = [(0, 3, 1), (1, 8, 3), (2, 3, 1)]
if ALL_LAWS:
    GOING_ON = [(number, *step) for number in range(len(STREAMS)) for step in STEPS]


@pytest.fixture(scope="module")
def undisturbed(request: pytest.FixtureRequest) -> tuple[Any, int | None, Trainer]:
    kind, steps = STREAMS[request.param]
    expected = trainer()
    expected.fit(kind(1), **streamed(steps))
    return kind, steps, expected


def streamed(steps: int | None) -> dict[str, Any]:
    validation = {"validation_data": Validating(100), "validation_steps": 2}
    return {**SETTINGS, **validation, "steps_per_epoch": steps}


@pytest.mark.parametrize(("undisturbed", "step", "save_freq"), GOING_ON, indirect=["undisturbed"])
def test_a_stream_goes_on_where_it_was(
    undisturbed: Any, step: int, save_freq: Any, tmp_path: Path
) -> None:
    kind, steps, expected = undisturbed

    def run(seed: int, *more: Any) -> tuple[Trainer, Any]:
        again, stream = trainer(), kind(seed)
        backup = tx.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=save_freq)
        again.fit(stream, **streamed(steps), callbacks=[backup, *more])
        return again, stream

    with pytest.raises(Killed):
        run(1, KillAt(step))
    with Checkpoint(tmp_path / "backup" / "latest") as checkpoint:
        done = checkpoint.extra["position"]["step"]
    continued, second = run(2)  # the order comes from the state alone
    assert_same(arrays(continued.state), arrays(expected.state))
    assert continued.history.history == expected.history.history
    assert continued.history.steps == expected.history.steps
    if kind is Shuffling:
        assert second.read == expected.position.step - done + 1  # the first one shows the shapes


def test_what_a_stream_says_of_its_place_has_to_be_plain(tmp_path: Path) -> None:
    class Holding(Shuffling):
        def state_dict(self) -> dict[str, Any]:
            return {"worker": {"generator": self.generator}}

    unsaved = trainer()
    unsaved.fit(Holding(1), epochs=1, verbose=0)
    message = (
        r"Trainer.save: expected the training stream to say where it is with arrays and plain data "
        r".* received .*Generator\) at `state/worker/generator`\. Let its `state_dict`"
    )
    with pytest.raises(CheckpointError, match=message):
        unsaved.save(tmp_path / "run")
    saving = tx.callbacks.ModelCheckpoint(str(tmp_path / "run"), save_freq=1)
    with pytest.raises(CheckpointError, match=message):
        trainer().fit(Holding(1), epochs=1, verbose=0, callbacks=[saving])
    assert not (tmp_path / "run").exists()
    unsaved.fit(**BRIEF)  # what was fitted last has its place in the seed
    unsaved.save(tmp_path / "run")


def test_a_training_on_a_stream_can_be_extended(tmp_path: Path) -> None:
    whole, half, extended = trainer(), trainer(), trainer()
    whole.fit(Shuffling(1), epochs=3, verbose=0)
    half.fit(Shuffling(1), epochs=2, verbose=0)
    half.save(tmp_path / "run")
    extended.restore(tmp_path / "run")
    extended.fit(Shuffling(2), epochs=3, verbose=0)
    assert_same(arrays(extended.state), arrays(whole.state))
    assert extended.history.history == whole.history.history


def test_a_stream_that_gives_other_data_is_told(tmp_path: Path) -> None:
    def batches(seed: int) -> Any:
        return lambda: iter([classes(6, seed + n) for n in range(3)])

    first, second = trainer(), trainer()
    first.fit(batches(0), epochs=1, verbose=0)
    first.save(tmp_path / "run")
    second.restore(tmp_path / "run")
    with pytest.warns(CheckpointWarning, match=r"Trainer.fit: the stream does not give those bat"):
        second.fit(batches(9), epochs=2, verbose=0)
    assert second.history.epoch == [0, 1]


def killed_and_continued(new: Any, settings: dict[str, Any], step: int, folder: Path) -> Trainer:
    """Train on a new stream until a step, and on another new one to the end."""
    for callbacks in ([KillAt(step)], []):
        again = trainer()
        backup = tx.callbacks.BackupAndRestore(folder / "backup", save_freq=1)
        with pytest.raises(Killed) if callbacks else contextlib.nullcontext():
            again.fit(new(), **settings, callbacks=[backup, *callbacks])
    return again


def test_a_loader_of_torchdata_goes_on(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    stateful = pytest.importorskip(
        "torchdata.stateful_dataloader", reason="torchdata is not installed"
    )
    rows = list(zip(*map(torch.from_numpy, classes(20)), strict=True))
    seeds = itertools.count()

    def loader() -> Any:
        generator = torch.Generator().manual_seed(max(1, next(seeds)))
        return stateful.StatefulDataLoader(rows, 6, shuffle=True, generator=generator)

    expected = trainer()
    expected.fit(loader(), **SETTINGS)
    continued = killed_and_continued(loader, SETTINGS, 7, tmp_path)
    assert_same(arrays(continued.state), arrays(expected.state))
    assert continued.history.history == expected.history.history


def test_iterators_of_grain_go_on(tmp_path: Path) -> None:
    grain = pytest.importorskip("grain", reason="grain is not installed")
    x, y = classes(20)

    def dataset(steps: int | None) -> Any:
        rows = grain.MapDataset.source(list(range(20))).seed(3).shuffle()
        rows = rows if steps is None else rows.repeat(4)
        return rows.map(lambda row: (x[row], y[row])).batch(6).to_iter_dataset()

    for number, (steps, step) in enumerate([(None, 6), (3, 5)]):
        settings = {**SETTINGS, "steps_per_epoch": steps}
        expected = trainer()
        expected.fit(dataset(steps), **settings)
        folder = tmp_path / str(number)
        continued = killed_and_continued(lambda n=steps: dataset(n), settings, step, folder)
        assert_same(arrays(continued.state), arrays(expected.state))
        assert continued.history.history == expected.history.history


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_process_that_is_killed_goes_on() -> None:
    """Some of the 200 kills of `benchmarks/kill.py`."""
    root = Path(__file__).parents[2]
    count = "12" if ALL_LAWS else "1"
    data = [] if ALL_LAWS else ["--data", "stream"]
    run = subprocess.run(
        [sys.executable, "benchmarks/kill.py", "--kills", count, *data],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{count} kills, 0 losses" in run.stdout
