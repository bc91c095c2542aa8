"""`examples/digits.py` in short form: it learns, and what it saves is what it trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

digits = load("digits")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, bool, Path]:
    out = tmp_path_factory.mktemp("digits")
    accuracy, same = digits.main(["--quick", "--seed", "3", "--out", str(out)])
    return accuracy, same, out


def test_two_epochs_are_far_above_chance(run: tuple[float, bool, Path]) -> None:
    assert run[0] > 0.8  # chance is 0.1


def test_the_saved_model_predicts_the_same(run: tuple[float, bool, Path]) -> None:
    _, same, out = run
    assert same
    for name in ("curves.png", "picture.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    model = digits.load(out / "model.safetensors")
    assert int(model.dropout.key.sum()) > 0
    assert not np.array_equal(model.blocks[0].norm.mean, np.zeros(32))


def test_all_kinds_of_state_are_alive() -> None:
    model = digits.Network().init(0, np.ones((1, 8, 8, 1), np.float32))
    kinds: list[Any] = [tx.Parameter, tx.BatchStat, tx.Rng]
    for kind in kinds:
        assert list(model.fields(kind))
    assert "blocks/2/norm" in model.tabulate()


def test_the_split_keeps_a_fifth_of_each_digit() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (len(x_train), len(x_test)) == (1437, 360)
    assert (x_train.shape[1:], x_train.dtype) == ((8, 8, 1), np.float32)
    assert (x_train.min(), x_train.max()) == (0, 1)
    shares = np.bincount(y_test) / np.bincount(np.concatenate([y_train, y_test]))
    np.testing.assert_allclose(shares, 0.2, atol=0.01)
