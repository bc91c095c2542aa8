"""The logs as a table."""

import csv
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import CSVLogger, LambdaCallback


def rows(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def test_every_epoch_is_a_row_with_exact_numbers(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.csv"
    history = line().fit(*DATA, 4, 2, 0, callbacks=[CSVLogger(path)], validation_data=DATA)
    found = rows(path)
    assert found[0] == ["epoch", "loss", "val_loss"]
    assert [row[0] for row in found[1:]] == ["0", "1"]
    assert [float(row[2]) for row in found[1:]] == history.history["val_loss"]


def test_what_comes_later_gets_a_column(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    trainer = line()
    trainer.fit(*DATA, 20, 3, 0, callbacks=CSVLogger(path), validation_data=DATA, validation_freq=2)
    found = rows(path)
    assert found[0] == ["epoch", "loss", "val_loss"]
    assert [row[2] == "NA" for row in found[1:]] == [True, False, True]
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_it_begins_anew_or_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    trainer = line()
    trainer.fit(*DATA, 20, 2, 0, callbacks=[CSVLogger(path, ";")])
    trainer.fit(*DATA, 20, 3, 0, callbacks=[CSVLogger(path, ";", append=True)], initial_epoch=2)
    assert [row[0] for row in rows(path, ";")] == ["epoch", "0", "1", "2"]
    trainer.fit(
        *DATA, 20, 1, 0, callbacks=[CSVLogger(path, ";", append=True)], validation_data=DATA
    )
    assert [len(row) for row in rows(path, ";")] == [3] * 5
    trainer.fit(*DATA, 20, 1, 0, callbacks=[CSVLogger(path)])
    assert len(rows(path)) == 2


def test_arrays_and_words_with_separators_are_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    def add(epoch: int, logs: Any) -> None:
        logs.update(matrix=jnp.array([[1, 2]]), words="a,b", nothing=float("nan"))

    line().fit(*DATA, 20, 1, 0, callbacks=[LambdaCallback(on_epoch_end=add), CSVLogger(path)])
    assert rows(path)[1][2:] == ["[[1, 2]]", "a,b", "NaN"]


@pytest.mark.parametrize("separator", ["", ", ", 3])
def test_a_separator_is_one_character(separator: Any) -> None:
    with pytest.raises(ArgumentError, match="CSVLogger: expected `separator` to be one character"):
        CSVLogger("log.csv", separator)
