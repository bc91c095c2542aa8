"""Every script under `examples/state/` runs from start to end and prints its result."""

import ast
import runpy
from pathlib import Path

import pytest

from tests.examples.scripts import EXAMPLES

SCRIPTS = sorted((EXAMPLES / "state").glob("*.py"))


def test_there_is_a_script_for_each_scenario() -> None:
    assert [path.stem for path in SCRIPTS] == [
        "average",
        "counter",
        "counters_vmap",
        "descent",
        "dropout",
        "least_squares",
        "treex_pattern",
    ]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_and_prints(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(script), run_name="__main__")
    assert len(capsys.readouterr().out.splitlines()) >= 2


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_teaches(script: Path) -> None:
    docstring = ast.get_docstring(ast.parse(script.read_text("utf-8")))
    assert docstring is not None
    assert len(docstring.split("\n\n")) >= 2  # a sentence, and an explanation
