import os
import threading
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Dense, Scale
from treexlite._errors import ArgumentError, CheckpointError, CheckpointWarning, NotInitializedError
from treexlite.checkpoints import PendingSave, _format, _save


def test_extra_is_kept_beside_the_tree(tmp_path: Path) -> None:
    extra = {"epoch": 3, "curve": [0.5, float("nan")], "best": np.ones(2), "key": jax.random.key(0)}
    tx.save(tmp_path / "x", {"w": jnp.ones(1)}, extra=extra)
    with tx.checkpoints.Checkpoint(tmp_path / "x") as checkpoint:
        found = checkpoint.extra
    assert repr(found["curve"]) == "[0.5, nan]"
    assert (found["epoch"], found["best"].tolist()) == (3, [1, 1])
    assert found["key"].dtype == extra["key"].dtype
    assert list(tx.load(tmp_path / "x")) == ["w"]


def test_the_name_of_extra_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no dict key '@extra' at the top"):
        tx.save(tmp_path / "x", {"@extra": {"w": jnp.ones(1)}}, extra={"w": jnp.ones(1)})
    assert not os.listdir(tmp_path)


def test_a_save_goes_on_while_its_arrays_are_donated(tmp_path: Path) -> None:
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    module, host = Scale(0.0), np.zeros(2)
    pending = []
    for number in range(4):
        path = tmp_path / str(number)
        pending.append(tx.save(path, [module, {"host": host}], asynchronous=True))
        module.w = step(module.w)
        host += 1
    for number, save in enumerate(pending):
        save.wait()
        loaded = tx.load(tmp_path / str(number))
        assert float(loaded[0]["w"]) == number
        assert loaded[1]["host"].tolist() == [number, number]


def test_a_save_goes_where_it_was_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    before = PendingSave(os.path.realpath("x"), (gate := threading.Event()).wait)
    pending = tx.save("x", 1, asynchronous=True)
    monkeypatch.chdir(tmp_path)
    gate.set()
    before.wait()
    pending.wait()
    assert os.listdir(tmp_path / "a") == ["x"]


def test_the_path_comes_first() -> None:
    with pytest.raises(ArgumentError, match="expected a path as the first argument"):
        tx.save({"w": jnp.ones(1)}, "x")
    with pytest.raises(ArgumentError, match=r"a path as the first argument, received .*x00"):
        tx.save("a\0b", 1)


def test_a_tree_without_end_is_refused(tmp_path: Path) -> None:
    tree: Any = 1
    for _ in range(3000):
        tree = [tree]
    with pytest.raises(ArgumentError, match=r"save: .*received one that is nested too deeply"):
        tx.save(tmp_path / "x", tree)
    assert not os.listdir(tmp_path)


def test_saves_to_one_path_end_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for number in range(5):
        tx.save(path, number, asynchronous=True)
    assert tx.load(path) == 4  # which waits for them
    tx.save(path, 5, asynchronous=True)
    tx.save(path, 6)
    assert tx.load(path) == 6


def test_what_went_wrong_in_another_thread_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(CheckpointError, match="a file of that name"):
        tx.save(tmp_path / "x", 1, asynchronous=True).wait()
    tx.save(tmp_path / "x", 1, asynchronous=True)
    _save.wait_for(os.path.realpath(tmp_path / "x"))
    with pytest.warns(CheckpointWarning, match="a file of that name"):
        tx.save(tmp_path / "y", 1)


def test_a_process_that_is_not_the_first_starts_no_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    tx.save(tmp_path / "x", 1, asynchronous=True).wait()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        (Dense(2), NotInitializedError),
        ({"f": jnp.tanh}, ArgumentError),
        ({"a": np.array(["text"])}, ArgumentError),
        ({"..": jnp.ones(1)}, ArgumentError),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_cannot_be_saved_is_refused_at_once(
    tree: Any, error: type[Exception], asynchronous: Any, tmp_path: Path
) -> None:
    tx.save(tmp_path / "x", 1)
    with pytest.raises(error, match="save"):
        tx.save(tmp_path / "x", tree, asynchronous=asynchronous)
    assert tx.load(tmp_path / "x") == 1


def test_a_sync_save_makes_no_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: Any) -> Any:
        raise AssertionError("copied")

    monkeypatch.setattr(_format, "copied", refuse)
    tx.save(tmp_path / "x", jnp.ones(2))
    assert tx.load(tmp_path / "x").tolist() == [1, 1]
