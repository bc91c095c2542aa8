"""`benchmarks/checkpoint.py` runs, and what is written is what is read."""

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.scripts import load

checkpoint = load("checkpoint")


def test_the_quick_tables_have_all_contenders(capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.main(["--quick", "--no-peers"])
    printed = capsys.readouterr().out
    for title in ("save 4 MB", "load 4 MB"):
        table = printed.split(f"\n{title}")[1].split("\n\n")[0]
        assert all(f"  {name} " in table for name in checkpoint.ours())
    assert "  a save in the background" in printed.split("\n3 steps on 4 MB")[1]


def test_everybody_reads_what_was_written(tmp_path: Path) -> None:
    arrays = checkpoint.build(1, 2)
    for number, (save, read) in enumerate(checkpoint.ours().values()):
        path = tmp_path / str(number)
        save(path, arrays)
        found = read(path, arrays)
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
