"""What is shown: nothing, lines, or a bar; and how often the device is asked."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import ProgressBar, _progress_bar
from treexlite.callbacks._progress_bar import in_words


def run(bar: ProgressBar, num_steps: int | None = 5, validation: bool = False) -> int:
    """Go through one epoch; return how often the logs were read."""
    reads = 0

    def read() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"loss": 0.5}

    bar.set_params({"epochs": 2, "steps": num_steps, "validation_steps": 7, "verbose": 1})
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    for done in range(5):
        bar.on_progress("train", done + 1, read)
    logs = {"loss": 0.25, "matrix": [[1]]}
    if validation:
        bar.on_test_begin()
        bar.on_progress("test", 3, read)
        bar.on_test_end({"loss": 0.125})
        logs["val_loss"] = 0.125
    bar.on_epoch_end(0, logs)
    bar.on_train_end()
    return reads


def timeless(text: str) -> str:
    return re.sub(r"\d+\.\d s", "0.0 s", text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Pretend that standard output is a terminal; return what is written to it."""
    written = io.StringIO()
    monkeypatch.setattr(
        _progress_bar, "Console", lambda: Console(file=written, force_terminal=True, width=120)
    )
    return written


def test_silent_shows_and_reads_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ProgressBar(0), validation=True) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verbose", [1, 2, True])
def test_without_a_terminal_there_is_a_plain_line(
    verbose: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ProgressBar(verbose)) == 0
    assert capsys.readouterr().out == "Epoch 1/2  0.0 s  loss 0.2500\n"


def test_validation_has_a_line_with_its_own_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 3.0, 5.0, 6.0])  # epoch begins, test begins, test ends, epoch ends
    monkeypatch.setattr(_progress_bar.time, "perf_counter", lambda: next(seconds))
    run(ProgressBar(2), validation=True)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1/2  4.0 s  loss 0.2500",
        "           2.0 s  val_loss 0.1250",
    ]


def test_a_terminal_shows_a_bar_and_then_the_line(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_progress_bar, "SECONDS_BETWEEN_READS", 0.0)
    assert run(ProgressBar(1)) == 5
    written = terminal.getvalue()
    assert "3/5" in written
    assert "loss 0.5000" in written
    assert timeless(written).endswith("Epoch 1/2  0.0 s  loss 0.2500\n")


def test_the_bar_goes_on_through_validation(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_progress_bar, "SECONDS_BETWEEN_READS", 0.0)
    assert run(ProgressBar(1), validation=True) == 6
    written = terminal.getvalue()
    assert "Epoch 1/2, validation" in written
    assert "3/7" in written


def test_an_unknown_number_of_steps_has_a_bar_too(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_progress_bar, "SECONDS_BETWEEN_READS", 0.0)
    run(ProgressBar(1), num_steps=None)
    assert "3/?" in terminal.getvalue()


def test_a_bar_reads_rarely(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress_bar, "SECONDS_BETWEEN_READS", 1e9)
    assert run(ProgressBar(1)) == 0


def test_lines_only_has_no_bar_on_a_terminal(terminal: io.StringIO) -> None:
    assert run(ProgressBar(2)) == 0
    assert timeless(terminal.getvalue()) == "Epoch 1/2  0.0 s  loss 0.2500\n"


def test_closing_in_the_middle_restores_the_terminal(terminal: io.StringIO) -> None:
    bar = ProgressBar(1)
    bar.set_params({"epochs": 2, "steps": 5})
    bar.on_epoch_begin(0)
    assert "\x1b[?25l" in terminal.getvalue()  # the cursor is hidden
    bar.close()
    bar.close()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_notebook_has_a_bar_where_it_can_be_drawn(
    has_widgets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def find_spec(name: str) -> Any:
        asked.append(name)
        return object() if has_widgets else None

    monkeypatch.setattr(_progress_bar.importlib.util, "find_spec", find_spec)
    assert _progress_bar._can_draw(Console(force_jupyter=True)) is has_widgets
    assert asked == ["ipywidgets"]


def test_markup_in_names_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar(1)
    bar.on_epoch_begin(0)
    bar.on_epoch_end(0, {"[red]": 1.0, "a" * 200: 2.0})
    out = capsys.readouterr().out
    assert "[red] 1.0000" in out
    assert len(out.splitlines()) == 1


def test_a_real_training_evaluation_and_prediction(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = line()
    trainer.fit(*DATA, 4, 2, 1, validation_data=DATA)
    lines = timeless(capsys.readouterr().out).splitlines()
    titles = [line.partition("  0.0 s  ")[0] for line in lines]
    assert titles == ["Epoch 1/2", " " * 9, "Epoch 2/2", " " * 9]
    trainer.evaluate(*DATA, 4, 1)
    assert timeless(capsys.readouterr().out).startswith("Evaluate  0.0 s  loss ")
    trainer.predict(DATA[0], 4, 1)
    assert capsys.readouterr().out == ""


def test_numbers_are_short() -> None:
    words = in_words({"a": 0.0, "b": 1e-5, "c": -12.345678, "d": 1e6, "e": float("nan")})
    assert words == "a 0.0000  b 1.000e-05  c -12.3457  d 1.000e+06  e nan"


@pytest.mark.parametrize("verbose", [3, -1, "auto", None])
def test_another_verbosity_is_refused(verbose: Any) -> None:
    message = r"ProgressBar: expected `verbose` to be 0 \(silent\), 1 \(bar\) or 2 \(lines\), rece"
    with pytest.raises(ArgumentError, match=message):
        ProgressBar(verbose)
