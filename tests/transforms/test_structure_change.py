from __future__ import annotations

from tests.transforms.stateful import Stateful
from treexlite._core._graph import walk
from treexlite.transforms._structure_change import changed_structure


def test_the_error_says_what_must_keep_its_structure() -> None:
    before, after = Stateful(), Stateful()
    after.calls = 5
    error = changed_structure("scan", "a step", [walk(before).spec], [walk(after).spec])
    assert "a step" in str(error)
    assert "State.node()" in str(error)
