from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Zoo, untouched
from treexlite._errors import ArgumentError, CheckpointError, CheckpointWarning, PathError
from treexlite.checkpoints._format import write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path: Path = tmp_path / "x"
    tx.save(path, {"old": Zoo(), "n": (1, [])})
    return path


def test_without_a_tree_the_containers_come_back(path: Path) -> None:
    tree = tx.load(str(path))
    assert list(tree) == ["old", "n"]
    assert tree["n"] == (1, [])
    assert list(tree["old"]["named"]) == list(Zoo().named)


def test_a_tree_is_returned_changed(path: Path) -> None:
    tree = {"old": Zoo().map(lambda x: x + 1), "n": (0, [])}
    zoo = tree["old"]
    assert tx.load(path, tree) is tree
    assert tree["old"] is zoo
    assert float(zoo.a) == float(Zoo().a)


def test_a_partial_load_warns_unless_its_report_is_taken(path: Path) -> None:
    model = Zoo()
    with pytest.warns(
        CheckpointWarning, match=r"loaded in part \(missing: a, .*; unexpected: old/a, "
    ):
        tx.load(path, into=model, strict=False, rename={"old/kids/**": "kids/**"})
    same, report = tx.load(path, into=model, strict=False, return_report=True)
    assert same is model
    assert "a" in report.missing
    full = {"new": Zoo(), "n": (1, [])}
    tx.load(path, full, False, {"old/**": "new/**"})  # nothing to warn of


def test_filters_without_a_tree_leave_nothing_in_place_of_the_rest(path: Path) -> None:
    tree = tx.load(path, filters=tx.State)
    assert tree["old"]["a"] is tx.Nothing
    assert int(tree["old"]["n"]) == int(Zoo().n)
    tree = tx.load(path, filters=[tx.Parameter, "old/kids/**"])
    assert tree["old"]["a"] is tx.Nothing
    assert tree["old"]["kids"][0]["w"] is not tx.Nothing
    assert tx.load(path, filters=...)["old"]["a"] is not tx.Nothing
    assert tx.load(path, filters=lambda info: info.name == "a")["old"]["n"] is tx.Nothing
    with pytest.raises(PathError, match="load: expected a path pattern"):
        tx.load(path, filters="nowhere/**")


def test_arrays_can_be_mapped_into_memory(path: Path) -> None:
    array = tx.load(path, mmap=True)["old"]["a"]
    assert isinstance(array, np.ndarray)
    assert not array.flags.writeable
    assert float(array) == float(Zoo().a)


@pytest.mark.parametrize(
    ("into", "options", "message"),
    [
        (None, {"rename": {"a": "b"}}, "`rename` with `into`"),
        (None, {"statics": True}, "`statics` with `into`"),
        (None, {"return_report": True}, "`return_report` with `into`"),
        ({}, {"mmap": True}, "`mmap` without `into`"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    into: Any, options: dict[str, Any], message: str, path: Path
) -> None:
    with pytest.raises(ArgumentError, match=message):
        tx.load(path, into, **options)


def test_what_is_no_tree_is_refused(tmp_path: Path) -> None:
    model = Zoo()
    for plain in ({}, {"tree": 3, "extra": None}, {"tree": {"array": "w"}, "extra": None}):
        write(tmp_path / "x", {}, plain)
        with untouched(model), pytest.raises(CheckpointError, match="the manifest of a tree"):
            tx.load(tmp_path / "x", into=model)
    write(tmp_path / "x", {}, {"tree": {"value": jnp.pi}, "extra": {"again": 9}})
    assert tx.load(tmp_path / "x") == jnp.pi
    opened = tx.checkpoints.Checkpoint(tmp_path / "x")
    with opened as checkpoint, pytest.raises(CheckpointError, match="malformed"):
        _ = checkpoint.extra


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", {})
    tree = {f"w{n}": jnp.ones(1) for n in range(8)}
    with pytest.warns(CheckpointWarning, match="missing: w0, w1, w2, w3, w4 and 3 more"):
        tx.load(tmp_path / "x", into=tree, strict=False)


def test_checksums_are_compared_unless_they_need_not_be(path: Path) -> None:
    (data,) = path.glob("arrays-*")
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    tree = {"old": Zoo(), "n": (1, [])}
    with untouched(tree["old"]):
        for into in (None, tree):
            with pytest.raises(CheckpointError, match="expected bytes with the checksum"):
                tx.load(path, into)
    assert repr(tx.load(path, verify=False)) != repr({"old": Zoo(), "n": (1, [])})
    data.write_bytes(content[:-1])
    with pytest.raises(CheckpointError, match="where there should be"):
        tx.load(path, verify=False)
