import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from treexlite._errors import CheckpointError, CheckpointWarning
from treexlite.checkpoints import _pending
from treexlite.checkpoints._pending import PendingSave, wait_for, warn_of_failures


def fail() -> None:
    raise CheckpointError("checkpoint x", expected="room", received="a full disk", fix="Free some.")


def test_it_goes_on_until_it_is_done() -> None:
    gate = threading.Event()
    pending = PendingSave("x", lambda: (gate.wait(), None)[1])
    assert not pending.done()
    assert repr(pending) == "PendingSave('x', running)"
    with pytest.raises(CheckpointError, match=r"within 0 seconds.*still running"):
        pending.wait(0)
    gate.set()
    pending.wait()
    assert pending.done()
    assert repr(pending) == "PendingSave('x', done)"


def test_waiting_raises_what_went_wrong_each_time() -> None:
    pending = PendingSave("x", fail)
    for _ in range(2):
        with pytest.raises(CheckpointError, match="a full disk"):
            pending.wait()
    warn_of_failures()  # nothing: it was seen


def test_a_failure_that_nobody_saw_is_told_once() -> None:
    pending = PendingSave("x", fail)
    wait_for("x")
    with pytest.warns(CheckpointWarning, match="a save failed: .*a full disk"):
        warn_of_failures()
    warn_of_failures()
    with pytest.raises(CheckpointError):
        pending.wait()


def test_saves_to_one_path_keep_their_order() -> None:
    gate, order = threading.Event(), []

    def work(number: int) -> Any:
        return lambda: (gate.wait(), order.append(number))

    for number in range(5):
        PendingSave("x", work(number))  # nobody holds it
    other = PendingSave("y", lambda: order.append("other path"))
    other.wait()
    gate.set()
    wait_for("x")
    assert order == ["other path", 0, 1, 2, 3, 4]
    assert "x" not in _pending._latest or _pending._latest["x"].done.is_set()


def test_a_program_ends_after_its_saves_and_tells_of_failures(tmp_path: Path) -> None:
    program = """
import sys, time
from treexlite.checkpoints._pending import PendingSave

def write():
    time.sleep(0.1)
    open(sys.argv[1], "w").write("done")
    raise OSError("a full disk")

PendingSave("x", write)
"""
    path = tmp_path / "x"
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert path.read_text() == "done"
    assert "CheckpointWarning: a save failed: a full disk" in run.stderr
