"""`History`: the logs of each epoch, and their picture."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.training import History


def filled() -> History:
    history = History()
    history.append(3, {"loss": 2.0})
    history.append(4, {"loss": 1.0, "val_loss": 1.5, "accuracy": 0.5})
    return history


def test_each_epoch_adds_its_values() -> None:
    history = filled()
    assert history.epoch == [3, 4]
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [1.5], "accuracy": [0.5]}
    assert repr(history) == "History(2 epochs; last: loss=1, val_loss=1.5, accuracy=0.5)"
    assert repr(History()) == "History(0 epochs)"


def test_the_picture_has_a_panel_for_each_name(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = filled().plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    loss, accuracy = figure.axes
    assert (loss.get_title(), accuracy.get_title()) == ("loss", "accuracy")
    training, validation = loss.get_lines()
    assert training.get_xydata().tolist() == [[4, 2], [5, 1]]  # epochs count from 1 in print
    assert validation.get_xydata().tolist() == [[5, 1.5]]
    assert [line.get_label() for line in loss.get_lines()] == ["training", "validation"]


def test_without_a_path_nothing_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert len(filled().plot().axes) == 2
    assert not History().plot().axes
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = (
        r"History.plot: expected matplotlib to be installed, .*pip install 'treexlite\[plot\]'"
    )
    with pytest.raises(ImportError, match=message):
        filled().plot()


def test_what_callbacks_add_joins_the_epoch() -> None:
    history = filled()
    history.add(4, {"loss": 9.0, "lr": 0.1})
    assert history.history["loss"] == [2.0, 1.0]
    assert history.history["lr"] == [0.1]


def test_rows_have_what_was_logged_in_their_epoch() -> None:
    expected = [
        {"epoch": 3, "loss": 2.0},
        {"epoch": 4, "loss": 1.0, "val_loss": 1.5, "accuracy": 0.5},
    ]
    assert filled().rows() == expected


def test_steps_are_numbered() -> None:
    history = filled()
    history.add_steps(2, {"loss": [3.0, 2.0]})
    history.add_steps(3, {"loss": [1.0]})
    history.add_steps(3, {})
    assert history.steps == {"step": [1, 2, 3], "loss": [3.0, 2.0, 1.0]}


def test_it_is_saved_as_a_table_and_as_json(tmp_path: Path) -> None:
    history = filled()
    history.add_steps(1, {"loss": [3.0]})
    history.add(4, {"counts": np.arange(2)})
    history.save(tmp_path / "history.json")
    saved = json.loads((tmp_path / "history.json").read_text())
    assert saved["epochs"][0] == {"epoch": 3, "loss": 2.0}
    assert saved["epochs"][1]["counts"] == [0, 1]
    assert saved["steps"] == {"step": [1], "loss": [3.0]}
    filled().save(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines == ["epoch,loss,val_loss,accuracy", "3,2.0,,", "4,1.0,1.5,0.5"]
    with pytest.raises(ArgumentError, match=r"a path that ends in .csv or .json, received path="):
        history.save(tmp_path / "history.xml")


def test_it_is_a_frame_of_pandas() -> None:
    pytest.importorskip("pandas")
    history = filled()
    history.add_steps(2, {"loss": [3.0, 2.0]})
    assert history.to_pandas().loc[4, "val_loss"] == 1.5
    assert history.to_pandas(steps=True).loc[2, "loss"] == 2.0
    assert History().to_pandas().empty
    assert History().to_pandas(steps=True).empty


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    message = r"History.to_pandas: expected pandas to be installed, .*pip install pandas"
    with pytest.raises(ImportError, match=message):
        filled().to_pandas()
