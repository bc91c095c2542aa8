"""The logs as lines of JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import JSONLogger


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_every_epoch_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    history = line().fit(*DATA, 4, 2, 0, callbacks=[JSONLogger(path)], validation_data=DATA)
    assert [list(found) for found in lines(path)] == [["epoch", "step", "loss", "val_loss"]] * 2
    assert [found["loss"] for found in lines(path)] == history.history["loss"]
    assert [found["step"] for found in lines(path)] == [10, 20]


def test_steps_are_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    line().fit(*DATA, 4, 2, 0, callbacks=[JSONLogger(path, update_freq=6)])
    kept = [(found["epoch"], found["step"], found.get("batch")) for found in lines(path)]
    assert kept == [(0, 6, 5), (0, 10, None), (1, 12, 1), (1, 18, 7), (1, 20, None)]


def test_it_begins_anew_or_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for append, count in ((False, 1), (True, 2), (False, 1)):
        line().fit(*DATA, 20, 1, 0, callbacks=[JSONLogger(path, append)])
        assert len(lines(path)) == count


def test_the_frequency_is_checked() -> None:
    with pytest.raises(
        ArgumentError, match="JSONLogger: expected `update_freq` to be 'epoch' or a"
    ):
        JSONLogger("log.jsonl", update_freq="step")
