"""Checkpoints: when they are written, how they are called, and which remain."""

from pathlib import Path
from typing import Any

import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, line
from tests.callbacks.test_early_stopping import Script
from treexlite._errors import ArgumentError, CheckpointError, UnknownNameError
from treexlite.callbacks import BackupAndRestore, ModelCheckpoint, _model_checkpoint


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def save(folder: Path, name: str, values: list[float | None], **options: Any) -> ModelCheckpoint:
    """Train with a scripted `val_loss`, and save into `folder`."""
    checkpoint = ModelCheckpoint(folder / name, **options)
    line().fit(*DATA, 4, len(values), 0, callbacks=[Script(values), checkpoint])
    return checkpoint


def test_names_have_numbers_of_the_epoch(tmp_path: Path) -> None:
    save(tmp_path, "{epoch:02d}-{val_loss:.2f}-{step}", [3, 2.5])
    assert names(tmp_path) == ["01-3.00-10", "02-2.50-20"]


def test_folders_are_created_and_one_name_is_written_again(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, "a/b/last", [3, 2])
    assert checkpoint.saved == [str(tmp_path / "a/b/last")]
    assert names(tmp_path / "a/b") == ["last"]


def test_only_the_best_are_saved(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, "{epoch}", [3, 4, 2, None, 5, 1], save_best_only=True)
    assert names(tmp_path) == ["1", "3", "6"]
    assert checkpoint.best == 1.0


def test_a_threshold_has_to_be_beaten_first(tmp_path: Path) -> None:
    options = {"save_best_only": True, "initial_value_threshold": 2.5}
    save(tmp_path, "{epoch}", [3, 2.6, 2, 3], **options)
    assert names(tmp_path) == ["3"]


def test_the_newest_remain(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("not ours")
    checkpoint = save(tmp_path, "{epoch}", [4, 3, 2, 1], max_to_keep=2)
    assert names(tmp_path) == ["0", "3", "4"]
    assert checkpoint.saved == [str(tmp_path / "3"), str(tmp_path / "4")]


def test_folders_that_are_too_many_are_deleted_too(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}", max_to_keep=1)
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        for outdated in checkpoint._outdated(str(tmp_path / name)):
            _model_checkpoint._remove(Path(outdated))
    assert names(tmp_path) == ["2"]


def test_weights_alone_can_be_loaded(tmp_path: Path) -> None:
    trainer = line()
    checkpoint = ModelCheckpoint(tmp_path / "w.safetensors", save_weights_only=True)
    trainer.fit(*DATA, 4, 2, 0, callbacks=[checkpoint])
    other = line()
    tx.load(tmp_path / "w.safetensors", into=other.model)
    assert other.model.w == trainer.model.w


def test_everything_can_be_restored(tmp_path: Path) -> None:
    trainer = line()
    trainer.fit(*DATA, 4, 2, 0, callbacks=[ModelCheckpoint(tmp_path / "{epoch}")])
    last = float(trainer.model.w)
    trainer.restore(tmp_path / "1")
    assert int(trainer.state.step) == 10
    assert float(trainer.model.w) < last


def test_steps_are_counted_over_epochs(tmp_path: Path) -> None:
    save(tmp_path, "{epoch}-{batch}-{step}-{loss:.3f}", [1, 1], save_freq=6)
    assert [name.rsplit("-", 1)[0] for name in names(tmp_path)] == ["1-6-6", "2-2-12", "2-8-18"]


def test_the_best_of_steps(tmp_path: Path) -> None:
    options = {"save_freq": 5, "save_best_only": True, "monitor": "loss", "mode": "max"}
    checkpoint = save(tmp_path, "{step}", [1, 1], **options)
    assert names(tmp_path) == ["5"]  # the loss falls
    assert checkpoint.best is not None


def test_what_an_epoch_does_not_have_is_nan(tmp_path: Path) -> None:
    save(tmp_path, "{epoch}-{val_loss:.1f}", [None, 1])
    assert names(tmp_path) == ["1-nan", "2-1.0"]


def test_names_are_checked_before_the_first_step(tmp_path: Path) -> None:
    for checkpoint in (
        ModelCheckpoint(tmp_path / "{val_los:.2f}"),
        ModelCheckpoint(tmp_path / "last", save_best_only=True),
    ):
        trainer = line()
        with pytest.raises(UnknownNameError, match=r"\[0\], ModelCheckpoint: expected a name amon"):
            trainer.fit(*DATA, 4, 2, 0, callbacks=[checkpoint])
        assert int(trainer.state.step) == 0
    ModelCheckpoint(tmp_path / "last").on_train_begin()  # `monitor` does not matter


def test_it_tells_what_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, "{epoch}", [3, 4, 2], save_best_only=True, verbose=1)
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: saved {tmp_path}/1, val_loss nothing -> 3",
        "Epoch 2: val_loss is not better than 3",
        f"Epoch 3: saved {tmp_path}/3, val_loss 3 -> 2",
    ]


def test_its_state_continues(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, "{epoch}", [3, 2], save_best_only=True, max_to_keep=2)
    other = ModelCheckpoint(tmp_path / "{epoch}", save_best_only=True, max_to_keep=2)
    other.load_state_dict(checkpoint.state_dict())
    assert (other.best, other.saved) == (2.0, checkpoint.saved)


@pytest.mark.parametrize("options", [{"max_to_keep": 0}, {"save_freq": 0}, {"mode": "low"}])
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"ModelCheckpoint: expected `{next(iter(options))}` t"):
        ModelCheckpoint("last", **options)


def test_steps_have_no_validation() -> None:
    message = "expected numbers of the training alone, with `save_freq` in steps, received 'val_l"
    with pytest.raises(ArgumentError, match=message):
        ModelCheckpoint("last", save_best_only=True, save_freq=5)
    with pytest.raises(ArgumentError, match=message):
        ModelCheckpoint("{val_loss}", save_freq=5)


def test_epochs_have_no_batch() -> None:
    with pytest.raises(ArgumentError, match=r"expected `\{batch\}` only with `save_freq` in steps"):
        ModelCheckpoint("{epoch}-{batch}")


@pytest.mark.parametrize("path", ["{", "{}", "{0}"])
def test_a_path_has_named_fields(path: str) -> None:
    with pytest.raises(ArgumentError, match="expected `filepath` to be a path, with fields such a"):
        ModelCheckpoint(path)


@pytest.mark.parametrize("restored", ["best", "every", "backup/latest"])
def test_what_is_saved_knows_what_is_best(restored: str, tmp_path: Path) -> None:
    def best() -> ModelCheckpoint:
        return ModelCheckpoint(tmp_path / "best", save_best_only=True, max_to_keep=1)

    others = [
        BackupAndRestore(tmp_path / "backup", delete_checkpoint=False),
        ModelCheckpoint(tmp_path / "every"),
    ]
    line().fit(*DATA, 4, 2, 0, callbacks=[Script([2, 1]), *others, best()])
    again, checkpoint = line(), best()
    again.restore(tmp_path / restored)
    others = [Script([2, 1, 1.5]), ModelCheckpoint(tmp_path / "every")]
    again.fit(*DATA, 4, 3, 0, callbacks=[*others, checkpoint])
    assert (checkpoint.best, checkpoint.saved) == (1.0, [str(tmp_path / "best")])


def test_what_could_not_be_saved_is_not_the_best(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    checkpoint = ModelCheckpoint(tmp_path / "file" / "best", save_best_only=True)
    with pytest.raises(CheckpointError):
        line().fit(*DATA, 4, 1, 0, callbacks=[Script([1]), checkpoint])
    assert (checkpoint.best, checkpoint.saved) == (None, [])
