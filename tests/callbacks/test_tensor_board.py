"""What is written for TensorBoard: to a writer of the test, and to files where it is installed."""

import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import optax
import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, Line, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import LambdaCallback, TensorBoard


class Writer:
    """Keeps what tensorboardX would write."""

    all: ClassVar[dict[str, "Writer"]] = {}

    def __init__(self, folder: str) -> None:
        self.scalars: dict[str, list[tuple[int, float]]] = {}
        self.histograms: dict[str, list[tuple[int, np.ndarray]]] = {}
        self.closed = self.flushed = 0
        Writer.all[Path(folder).name] = self

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        assert type(value) is float
        self.scalars.setdefault(tag, []).append((step, value))

    def add_histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        self.histograms.setdefault(tag, []).append((step, values))

    def flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Writer]:
    module: Any = types.ModuleType("tensorboardX")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    monkeypatch.setattr(Writer, "all", {})
    return Writer.all


def test_epochs_are_written_with_kerass_names(writers: dict[str, Writer], tmp_path: Path) -> None:
    trainer = line()
    history = trainer.fit(
        *DATA, 4, 2, 0, callbacks=[TensorBoard(tmp_path)], validation_data=DATA
    ).history
    assert writers["train"].scalars == {
        "epoch_loss": list(enumerate(history["loss"])),
        "epoch_learning_rate": [(0, pytest.approx(0.1)), (1, pytest.approx(0.1))],
    }
    assert writers["validation"].scalars == {
        "evaluation_loss_vs_iterations": list(zip((10, 20), history["val_loss"], strict=True)),
        "epoch_loss": list(enumerate(history["val_loss"])),
    }
    assert [writer.closed for writer in writers.values()] == [1, 1]
    assert writers["train"].flushed == 2


def test_steps_are_written_every_so_often(writers: dict[str, Writer], tmp_path: Path) -> None:
    line().fit(*DATA, 4, 2, 0, callbacks=[TensorBoard(tmp_path, update_freq=6)])
    assert [step for step, _ in writers["train"].scalars["batch_loss"]] == [6, 12, 18]


def test_histograms_are_written_every_so_often(writers: dict[str, Writer], tmp_path: Path) -> None:
    trainer = line()
    board = TensorBoard(tmp_path, histogram_freq=2)
    trainer.fit(*DATA, 4, 3, 0, callbacks=[board])
    found = writers["train"].histograms
    assert list(found) == ["w/histogram"]
    assert [epoch for epoch, _ in found["w/histogram"]] == [0, 2]
    assert found["w/histogram"][1][1] == trainer.model.w


def test_the_speed_may_be_written(writers: dict[str, Writer], tmp_path: Path) -> None:
    line().fit(*DATA, 4, 1, 0, callbacks=[TensorBoard(tmp_path, write_steps_per_second=True)])
    assert writers["train"].scalars["epoch_steps_per_second"][0][1] > 0


def test_arrays_and_hidden_rates_are_left_out(writers: dict[str, Writer], tmp_path: Path) -> None:
    trainer = tx.Trainer(Line(), loss="mse", optimizer=tx.Optimizer(optax.sgd(0.1)))
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(matrix=np.ones((2, 2))))
    trainer.fit(*DATA, 4, 1, 0, callbacks=[add, TensorBoard(tmp_path)])
    assert list(writers["train"].scalars) == ["epoch_loss"]


def test_an_evaluation_alone_is_written_and_closed(
    writers: dict[str, Writer], tmp_path: Path
) -> None:
    line().evaluate(*DATA, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert list(writers["validation"].scalars) == ["evaluation_loss_vs_iterations"]
    assert writers["validation"].closed == 1


def test_without_the_package_the_extra_is_named_before_the_first_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    trainer = line()
    with pytest.raises(ImportError, match=r"TensorBoard: expected tensorboardX to be installed, "):
        trainer.fit(*DATA, 4, 1, 0, callbacks=[TensorBoard(tmp_path)])
    assert int(trainer.state.step) == 0


def test_real_files_are_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    board = TensorBoard(tmp_path, histogram_freq=1, update_freq=5)
    line().fit(*DATA, 4, 2, 0, callbacks=[board], validation_data=DATA)
    for folder in ("train", "validation"):
        files = list((tmp_path / folder).iterdir())
        assert len(files) == 1
        assert files[0].stat().st_size > 100


@pytest.mark.parametrize("options", [{"histogram_freq": -1}, {"update_freq": 0}])
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"TensorBoard: expected `{next(iter(options))}` to be"):
        TensorBoard(**options)
