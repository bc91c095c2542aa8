"""`benchmarks/memory.py` runs. That its ratios are 1: `tests/transforms/test_compiled_cost.py`."""

import pytest

from tests.benchmarks.scripts import load

memory = load("memory")


def test_the_table_shows_every_contender(capsys: pytest.CaptureFixture[str]) -> None:
    memory.main(["--network", "mlp", "--no-peers"])
    lines = capsys.readouterr().out.splitlines()[3:]
    assert [line[2:27].rstrip() for line in lines] == [
        "raw JAX, donated",
        "raw JAX",
        "tx.jit(donate=True)",
        "tx.jit",
    ]
    assert all("50.28" in line for line in lines)  # MFLOP


def test_shared_bytes_count_once() -> None:
    costs = memory.costs(memory.NETWORKS["mlp"])
    arrays = 4 * (256 * 256 + 256) + 256 * 10 + 10  # in parameters, twice more in Adam
    state = 3 * 4 * arrays
    donated, kept = costs["raw JAX, donated"], costs["raw JAX"]
    assert state < donated.peak - donated.temporary < 1.1 * state
    assert 2 * state < kept.peak - kept.temporary < 2.1 * state
