"""`benchmarks/verbs.py` runs, and its contenders do what the verbs say."""

from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.benchmarks.scripts import load

verbs = load("verbs")


def test_the_quick_tables_have_all_verbs_and_contenders(capsys: pytest.CaptureFixture[str]) -> None:
    verbs.main(["--quick"])
    printed = capsys.readouterr().out
    for verb in verbs.VERBS:
        table = printed.split(f"\n{verb} (")[1].split("\n\n")[0]
        rivals = [n for n, found in verbs.contenders(1, True).items() if verb in found]
        assert all(f"  {name} " in table for name in rivals)
        assert rivals[0] == "treexlite"


def test_peers_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    verbs.main(["--quick", "--no-peers", "--verb", "copy", "construct one Linear"])
    printed = capsys.readouterr().out
    assert "a plain class" in printed
    assert "nnx" not in printed
    assert "merge (" not in printed


def arrays(tree: Any) -> list[Any]:
    return [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, jax.Array)]


def test_every_contender_has_the_same_parameters() -> None:
    for name, found in verbs.contenders(3, True).items():
        if "parameters" in found:
            shapes = sorted(leaf.shape for leaf in arrays(found["parameters"]()))
            assert shapes == sorted([(32, 32), (32,), (32,), (32,)] * 3), name


def test_verbs_keep_the_data() -> None:
    ours = verbs.contenders(2, False)["treexlite"]
    model = ours["copy"]()
    for verb in ("copy", "map", "merge", "evaluation mode"):
        for one, other in zip(arrays(ours[verb]()), arrays(model), strict=True):
            np.testing.assert_array_equal(one, other)
    assert next(path for path, _ in ours["modules"]()) == ""
    assert not ours["evaluation mode"]().training
    assert sum(map(len, map(arrays, ours["split by kind"]()))) == len(arrays(model))
    assert isinstance(ours["construct"](), tx.Module)
