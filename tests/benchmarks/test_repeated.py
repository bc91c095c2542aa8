"""`benchmarks/repeated.py` runs, and its programs grow or do not grow as it says."""

import pytest

from tests.benchmarks.scripts import load

repeated = load("repeated")


def test_the_quick_tables_have_all_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    repeated.main(["--quick"])
    printed = capsys.readouterr().out
    assert all(f"\n{kind} " in printed for kind in repeated.KINDS)
    assert printed.count(" 1.0x") >= 2 * len(repeated.KINDS)


def test_only_the_sequence_grows_with_depth() -> None:
    lengths = {kind: [repeated.cost(kind, d).equations for d in (1, 3)] for kind in repeated.KINDS}
    assert lengths["repeated"][0] == lengths["repeated"][1]
    assert lengths["repeated, remat"][0] == lengths["repeated, remat"][1]
    assert lengths["sequential"][1] > 2 * lengths["sequential"][0]
