import errno
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, CheckpointError
from treexlite.checkpoints import _safetensors
from treexlite.checkpoints._disk import MANIFEST
from treexlite.checkpoints._format import commit, located, read, snapshot, write
from treexlite.checkpoints._reader import Reader

both = pytest.mark.parametrize("name", ["x", "x.safetensors"])


@both
def test_arrays_and_plain_data_come_back(name: str, tmp_path: Path) -> None:
    arrays = {"w": jnp.ones((2, 3), jnp.bfloat16), "k": jax.random.key(1), "n": np.float64(0.1)}
    plain = {"a": (1, float("inf")), "b": {1: None}}
    write(tmp_path / name, arrays, plain)
    found, again = read(str(tmp_path / name))
    assert again == plain
    assert found["w"].dtype == jnp.bfloat16
    assert (found["w"] == 1).all()
    assert jnp.array_equal(jax.random.key_data(found["k"]), jax.random.key_data(arrays["k"]))
    assert (type(found["n"]), found["n"]) == (np.float64, 0.1)


@both
def test_nothing_at_all_is_a_checkpoint_too(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, {}, {})
    assert read(tmp_path / name) == ({}, {})


def test_a_directory_has_a_manifest_that_people_can_read(tmp_path: Path) -> None:
    write(tmp_path / "x", {"w": np.ones(2)}, {"epoch": 3})
    assert '"name":"w","dtype":"float64","shape":[2]' in (tmp_path / "x" / MANIFEST).read_text()


def test_equal_data_make_equal_files(tmp_path: Path) -> None:
    for name in ("a.safetensors", "b.safetensors"):
        write(tmp_path / name, {"w": np.arange(3)}, {"epoch": 3})
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_snapshot_with_copies_is_of_its_moment(tmp_path: Path) -> None:
    mutable, donated = np.zeros(2), jnp.zeros(2)
    taken = snapshot("save", {"m": mutable, "d": donated}, {}, {"m": "State"}, copy=True)
    mutable[:] = 1
    donated.delete()
    commit("x", str(tmp_path / "x"), taken)
    found, _ = read(tmp_path / "x")
    assert (found["m"].tolist(), found["d"].tolist()) == ([0, 0], [0, 0])
    with Reader(tmp_path / "x") as reader:
        assert reader.entries["m"].kind == "State"


@pytest.mark.parametrize("name", ["", "../w", "/w", "a//b", "__metadata__"])
def test_names_that_look_like_a_way_out_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="write: expected a name for each array"):
        write(tmp_path / "x", {name: np.ones(1)}, {})
    assert not os.listdir(tmp_path)


def test_plain_data_that_are_none_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="write: expected plain data"):
        write(tmp_path / "x", {}, {"f": print})
    assert not os.listdir(tmp_path)


def test_a_file_is_not_replaced_by_a_directory_nor_the_reverse(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    (tmp_path / "y.safetensors").mkdir()
    for name, found in (("x", "a file of that name"), ("y.safetensors", "a directory of that")):
        with pytest.raises(CheckpointError, match=found):
            write(tmp_path / name, {}, {})
    assert (tmp_path / "x").read_text() == "mine"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    for name in ("x", "x.safetensors"):
        write(tmp_path / name, {"w": np.zeros(1)}, {})
        link = tmp_path / f"to_{name}"
        link.symlink_to(tmp_path / name)
        write(link, {"w": np.ones(1)}, {})
        assert link.is_symlink()
        assert read(tmp_path / name)[0]["w"] == 1


@both
def test_a_header_that_is_too_long_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_safetensors, "MAX_BYTES", 10)
    with pytest.raises(CheckpointError, match=r"10 are allowed.* keep large data in arrays"):
        write(tmp_path / name, {"w": np.ones(1)}, {})
    assert not os.listdir(tmp_path)


@both
@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "Free some space"), (errno.EACCES, "Ask for the permission")],
)
def test_a_full_disk_and_a_missing_permission_leave_the_old_one(
    name: str, number: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    write(path, {"w": np.zeros(1)}, {})

    def refuse(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write" if number == errno.ENOSPC else "fsync", refuse)
        with pytest.raises(CheckpointError, match=message) as caught:
            write(path, {"w": np.ones(1)}, {})
    assert caught.value.errno == number
    assert str(path) in str(caught.value)
    assert read(path)[0]["w"] == 0
    assert os.listdir(tmp_path) == [name]


def test_a_path_is_a_path() -> None:
    assert located("save", b"/x") == ("/x", "/x")
    assert located("save", "x") == ("x", os.path.join(os.getcwd(), "x"))
    for wrong in (3, "", None, {"w": 1}, "a\0b"):
        with pytest.raises(
            ArgumentError, match=r"save: expected a path .* `tx.save\(path, tree\)`"
        ):
            located("save", wrong)
    with pytest.raises(ArgumentError, match="load: expected a path as the first argument"):
        located("load", 3)
