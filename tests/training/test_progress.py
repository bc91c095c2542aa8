"""What is shown: nothing, lines, or a bar; and how often the device is asked."""

import io
from typing import Any

import pytest
from rich.console import Console

from treexlite._errors import ArgumentError
from treexlite.training import _progress
from treexlite.training._progress import Reporter, in_words


def run(report: Reporter, num_steps: int = 5) -> int:
    """Go through one pass; return how often the logs were read."""
    reads = 0

    def read() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"loss": 0.5}

    report.begin("Epoch 1/2", num_steps)
    for _ in range(num_steps):
        report.step(read)
    report.end({"loss": 0.25, "matrix": [[1]]})
    return reads


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Pretend that standard output is a terminal; return what is written to it."""
    written = io.StringIO()
    monkeypatch.setattr(
        _progress, "Console", lambda: Console(file=written, force_terminal=True, width=120)
    )
    return written


def test_silent_shows_and_reads_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Reporter("fit", 0)) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verbose", [1, 2, True])
def test_without_a_terminal_there_is_a_plain_line(
    verbose: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Reporter("fit", verbose)) == 0
    assert capsys.readouterr().out == "Epoch 1/2  0.0 s  loss 0.2500\n"


def test_a_terminal_shows_a_bar_and_then_the_line(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_progress, "SECONDS_BETWEEN_READS", 0.0)
    assert run(Reporter("fit", 1)) == 5
    written = terminal.getvalue()
    assert "3/5" in written
    assert "loss 0.5000" in written
    assert written.endswith("Epoch 1/2  0.0 s  loss 0.2500\n")


def test_a_bar_reads_rarely(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "SECONDS_BETWEEN_READS", 1e9)
    assert run(Reporter("fit", 1), 1000) == 0


def test_lines_only_has_no_bar_on_a_terminal(terminal: io.StringIO) -> None:
    assert run(Reporter("fit", 2)) == 0
    assert terminal.getvalue() == "Epoch 1/2  0.0 s  loss 0.2500\n"


def test_closing_in_the_middle_restores_the_terminal(terminal: io.StringIO) -> None:
    report = Reporter("fit", 1)
    report.begin("Epoch 1/2", 5)
    assert "\x1b[?25l" in terminal.getvalue()  # the cursor is hidden
    report.close()
    report.close()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


def test_markup_in_names_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    report = Reporter("fit", 1)
    report.begin("Epoch 1/1", 1)
    report.end({"[red]": 1.0, "a" * 200: 2.0})
    out = capsys.readouterr().out
    assert "[red] 1.0000" in out
    assert len(out.splitlines()) == 1


def test_numbers_are_short() -> None:
    words = in_words({"a": 0.0, "b": 1e-5, "c": -12.345678, "d": 1e6, "e": float("nan")})
    assert words == "a 0.0000  b 1.000e-05  c -12.3457  d 1.000e+06  e nan"


@pytest.mark.parametrize("verbose", [3, -1, "auto", None])
def test_another_verbosity_is_refused(verbose: Any) -> None:
    message = r"fit: expected `verbose` to be 0 \(silent\), 1 \(bar\) or 2 \(lines\), received"
    with pytest.raises(ArgumentError, match=message):
        Reporter("fit", verbose)
