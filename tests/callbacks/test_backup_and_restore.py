"""A training that was interrupted goes on."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, Line, line
from treexlite._errors import ArgumentError, TreexliteWarning
from treexlite.callbacks import BackupAndRestore, Callback, EarlyStopping


class Killed(Exception):
    pass


class Kill(Callback):
    """Ends the process, so to say, when an epoch begins."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            raise Killed


def killed(folder: Path, epoch: int = 2, **options: Any) -> None:
    with pytest.raises(Killed):
        line().fit(*DATA, 4, 5, 0, callbacks=[BackupAndRestore(folder, **options), Kill(epoch)])


def content(path: Path) -> dict[Path, bytes]:
    """Return what is in a checkpoint, be it a file or a folder."""
    files = [file for file in path.rglob("*") if file.is_file()] or [path]
    return {file.relative_to(path): file.read_bytes() for file in files}


def damage(path: Path) -> None:
    for name in content(path):
        (path / name if path.is_dir() else path).write_bytes(b"damaged")


def test_the_same_script_continues_and_ends_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    whole = line()
    history = whole.fit(*DATA, 4, 5, 0)
    killed(folder)
    assert folder.is_dir()
    again, begun = line(), Kill(9)
    found = again.fit(*DATA, 4, 5, 0, callbacks=[BackupAndRestore(folder), begun])
    np.testing.assert_array_equal(again.model.w, whole.model.w)
    assert found.epoch == history.epoch == [0, 1, 2, 3, 4]
    assert found.history == history.history
    assert not folder.exists()


def test_callbacks_continue_too(tmp_path: Path) -> None:
    stopping = EarlyStopping("loss", min_delta=99.0, patience=3)
    with pytest.raises(Killed):
        line().fit(*DATA, 4, 9, 0, callbacks=[BackupAndRestore(tmp_path / "b"), stopping, Kill(2)])
    trainer, stopping = line(), EarlyStopping("loss", min_delta=99.0, patience=3)
    trainer.fit(*DATA, 4, 9, 0, callbacks=[BackupAndRestore(tmp_path / "b"), stopping])
    assert stopping.stopped_epoch == 3


def test_a_backup_may_be_made_every_few_steps(tmp_path: Path) -> None:
    steps: list[int] = []

    class Counting(tx.Trainer):
        def save(self, path: str) -> None:
            steps.append(int(self.state.step))
            super().save(path)

    trainer = Counting(Line(), loss="mse", optimizer="sgd")
    trainer.fit(*DATA, 4, 2, 0, callbacks=[BackupAndRestore(tmp_path / "b", save_freq=4)])
    assert steps == [4, 8, 12, 16, 20]


def test_a_backup_that_cannot_be_read_falls_back_loudly(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    killed(folder, double_checkpoint=True)
    damage(folder / "latest")
    seen: list[int] = []

    class Look(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            seen.append(epoch)

    with pytest.warns(TreexliteWarning, match="latest cannot be restored, the backup before it is"):
        line().fit(*DATA, 4, 5, 0, callbacks=[BackupAndRestore(folder), Look()])
    assert seen == [1, 2, 3, 4]


def test_what_is_damaged_does_not_replace_what_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    killed(folder, double_checkpoint=True)
    good = content(folder / "previous")
    damage(folder / "latest")
    backup = BackupAndRestore(folder, double_checkpoint=True)
    with pytest.warns(TreexliteWarning, match="cannot be restored"), pytest.raises(Killed):
        line().fit(*DATA, 4, 5, 0, callbacks=[backup, Kill(1)])
    assert set(content(folder / "damaged").values()) == {b"damaged"}
    assert content(folder / "previous") == good
    with pytest.raises(Killed):
        line().fit(*DATA, 4, 5, 0, callbacks=[backup, Kill(3)])
    assert (folder / "latest").exists()


def test_the_only_backup_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(OSError, match="latest"):
        line().fit(*DATA, 4, 5, 0, callbacks=[BackupAndRestore(tmp_path)])


def test_the_backup_may_stay(tmp_path: Path) -> None:
    backup = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    line().fit(*DATA, 4, 1, 0, callbacks=[backup])
    assert (tmp_path / "b" / "latest").exists()


def test_a_kill_while_the_backup_is_deleted_leaves_no_half_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "b"

    def killed_after_one(path: Any, **_: Any) -> None:
        next(file for file in Path(path).rglob("*") if file.is_file()).unlink()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed_after_one)
        with pytest.raises(Killed):
            line().fit(*DATA, 4, 1, 0, callbacks=[BackupAndRestore(folder)])
    assert folder.exists()
    line().fit(*DATA, 4, 1, 0, callbacks=[BackupAndRestore(folder)])
    assert not folder.exists()


def test_an_early_stop_is_complete(tmp_path: Path) -> None:
    stopping = EarlyStopping("loss", min_delta=99.0)
    line().fit(*DATA, 4, 9, 0, callbacks=[stopping, BackupAndRestore(tmp_path / "b")])
    assert not (tmp_path / "b").exists()


def test_a_stop_inside_of_an_epoch_leaves_the_backup(tmp_path: Path) -> None:
    backup = BackupAndRestore(tmp_path / "b")
    backup.set_trainer(line())
    backup.backup_dir.mkdir()
    backup.on_train_begin()
    backup.on_epoch_begin(0)
    backup.on_train_end()  # as after Ctrl-C
    assert backup.backup_dir.exists()


@pytest.mark.parametrize("folder", ["", None, 3, __file__])
def test_a_folder_is_needed(folder: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `backup_dir` to be a folder for this traini"):
        BackupAndRestore(folder)


def test_the_frequency_is_checked() -> None:
    with pytest.raises(ArgumentError, match="expected `save_freq` to be 'epoch' or a number of st"):
        BackupAndRestore("b", save_freq=0)
