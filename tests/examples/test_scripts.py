"""`tests/examples/scripts.py`: a script finds the scripts beside it, as when it is run."""

import sys
from pathlib import Path

import pytest

from tests.examples import scripts


def test_a_script_imports_the_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "EXAMPLES", tmp_path)
    monkeypatch.delitem(sys.modules, "beside_it", raising=False)
    (tmp_path / "beside_it.py").write_text("ANSWER = 42\n")
    (tmp_path / "one.py").write_text("from beside_it import ANSWER\n")
    before = list(sys.path)
    assert scripts.load("one").ANSWER == 42
    assert sys.path == before
