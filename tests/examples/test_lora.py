"""`examples/lora.py` in short form: small matrices learn the task, and the weights stay."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

lora = load("lora")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bool, bool, Path]:
    out = tmp_path_factory.mktemp("lora")
    return *lora.main(["--quick", "--out", str(out)]), out


def test_few_numbers_do_nearly_what_all_weights_do(run: Any) -> None:
    results = run[0]["turned"]
    assert results["before"][1] < 0.4
    assert results["LoRA"][1] > 0.85
    assert results["LoRA"][1] > results["all weights"][1] - 0.08
    assert results["LoRA"][0] < results["all weights"][0] / 10


def test_the_network_stays_and_merging_changes_no_answer(run: Any) -> None:
    _, unchanged, same, out = run
    assert unchanged
    assert same
    assert (out / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_small_matrices_move() -> None:
    x = np.random.default_rng(0).random((32, 8, 8), np.float32)
    base = lora.tx.nn.Sequential(lora.tx.nn.Flatten(), lora.tx.nn.MLP([4, 10])).init(0, x)
    model = lora.adapt(base, x, np.arange(32) % 10, rank=2, epochs=1, seed=0)
    before, after = base.state_dict(), model.state_dict()
    assert all(np.array_equal(after[name], array) for name, array in before.items())
    moved = {name for name in after if name.endswith("lora/b") and np.any(after[name])}
    assert len(moved) == 2  # they were zero
