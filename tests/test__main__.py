import subprocess
import sys
from pathlib import Path


def test_the_command_line_is_there() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "treexlite", "inspect", "nowhere"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert run.returncode == 2
    assert "checkpoint nowhere: expected the checkpoint to be read" in run.stderr
