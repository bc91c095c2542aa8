"""`benchmarks/dispatch.py` runs, and every contender does what its question says."""

from types import ModuleType

import numpy as np
import pytest

from tests.benchmarks.scripts import load

dispatch = load("dispatch")
RIVALS = [dispatch.raw, dispatch.ours, *dispatch.peers()]


def name_of(contender: ModuleType) -> str:
    return contender.__name__.rpartition(".")[2]


@pytest.fixture(params=RIVALS, ids=name_of)
def contender(request: pytest.FixtureRequest) -> ModuleType:
    rival: ModuleType = request.param
    return rival


def test_an_empty_step_counts(contender: ModuleType) -> None:
    for name, call in contender.calls("empty step", 1).items():
        assert [int(call()) for _ in range(3)] == [1, 2, 3], name


def test_a_read_only_step_leaves_the_count(contender: ModuleType) -> None:
    for name, call in contender.calls("read only", 1).items():
        assert [int(call()) for _ in range(2)] == [1, 1], name


def test_inference_gives_the_same_each_time(contender: ModuleType) -> None:
    for name, call in contender.calls("forward", 1).items():
        first = np.asarray(call())
        assert first.shape == (dispatch.raw.batch(dispatch.raw.blocks(1))[1]).shape, name
        assert first.std() > 0.1, name
        np.testing.assert_array_equal(call(), first, name)


def test_training_learns(contender: ModuleType) -> None:
    for name, call in contender.calls("train step", 1).items():
        losses = [float(call()) for _ in range(20)]
        assert losses[-1] < 0.99 * losses[0], name


def test_the_table_has_all_questions_and_contenders(capsys: pytest.CaptureFixture[str]) -> None:
    dispatch.main(["--depth", "1", "--rounds", "1", "--calls", "1", "--no-peers"])
    printed = capsys.readouterr().out
    for question in dispatch.QUESTIONS:
        table = printed.split(f"\n{question}, depth 1")[1].split("\n\n")[0]
        names = dispatch.contenders(question, 1, with_peers=False)
        assert all(f"  {name} " in table for name in names)
        assert table.count("1.00 x") >= 2  # the first line, compared with itself
