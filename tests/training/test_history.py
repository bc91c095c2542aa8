"""`History`: the logs of each epoch, and their picture."""

import sys
from pathlib import Path

import pytest

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
