"""A checkpoint is what its manifest says, wherever its arrays are to lie."""

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import CheckpointError
from treexlite.checkpoints._manifest import checksum, to_json
from treexlite.interop.orbax import restore, save
from treexlite.interop.orbax._pytree import KEY

orbax: Any = pytest.importorskip("orbax.checkpoint")

TREE = {"w": np.random.default_rng(0).normal(size=1000), "b": np.arange(3)}


def spread(count: int, axis: str) -> Any:
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:count]), (axis,))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(axis))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("orbax") / "x"
    save(path, TREE)
    return path


@pytest.fixture
def path(saved: Path, tmp_path: Path) -> Path:
    """A checkpoint to be damaged."""
    shutil.copytree(saved, tmp_path / "x")
    return tmp_path / "x"


def test_arrays_move_to_other_devices(tmp_path: Path) -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    tree = {"w": jax.device_put(jnp.arange(8.0), spread(4, "x")), "k": keys}
    save(tmp_path / "x", tree)
    places = {"w": spread(2, "y"), "k": spread(4, "z")}
    shapes = {
        n: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=places[n]) for n, x in tree.items()
    }
    rounded = jax.ShapeDtypeStruct((8,), jnp.bfloat16, sharding=places["w"])
    for found in (
        restore(tmp_path / "x", shapes),
        restore(tmp_path / "x", {**shapes, "w": rounded}, cast=True),
    ):
        assert {name: value.sharding for name, value in found.items()} == places
        assert found["w"].tolist() == list(range(8))
        assert (jax.random.key_data(found["k"]) == jax.random.key_data(keys)).all()
    assert found["w"].dtype == jnp.bfloat16
    alone = restore(tmp_path / "x", {"w": jnp.zeros(8), "k": keys})["w"]
    assert len(alone.devices()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Orbax's own loop
def test_a_changed_byte_is_noticed(path: Path, saved: Path) -> None:
    chosen = random.Random(0)
    files = [file.relative_to(saved) for file in saved.rglob("*") if file.is_file()]
    sizes = [(saved / file).stat().st_size for file in files]
    seen = set()
    for _ in range(30):
        (file,) = chosen.choices(files, sizes)
        content = bytearray((saved / file).read_bytes())
        content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        (path / file).write_bytes(content)
        try:
            found = restore(path)
        except CheckpointError as error:
            seen.add(re.sub(r"\W.*", "", str(error).partition("received ")[2]))
        else:
            assert all((found[name] == TREE[name]).all() for name in TREE)
        (path / file).write_bytes((saved / file).read_bytes())
    assert "bytes" in seen


def test_a_wrong_checksum_names_the_entry(path: Path) -> None:
    edit(path, lambda entry: entry.update(checksums=["00000000"]))
    with pytest.raises(CheckpointError, match="at w: expected bytes with the checksum 00000000"):
        restore(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "a checkpoint of a version that this treexlite knows"),
        ({"plain": {}}, "the manifest of a checkpoint, received one without a tree"),
        ({"arrays": []}, "nothing of '@empty', where the manifest says"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(path: Path, change: Any, message: str) -> None:
    edit(path, lambda entry: None, **change)
    with pytest.raises(CheckpointError, match=message):
        restore(path)


def test_other_shapes_than_those_of_the_manifest_are_refused(path: Path) -> None:
    edit(path, lambda entry: entry.update(shape=[500, 2]))
    with pytest.raises(
        CheckpointError, match=r"\(1000,\).*of 'w', where the manifest says \(\(500, 2"
    ):
        restore(path)


def test_a_checkpoint_of_others_is_refused(tmp_path: Path) -> None:
    with orbax.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "x", {"w": jnp.ones(2)})
    with pytest.raises(CheckpointError, match=r"one of another program.*StandardCheckpointer"):
        restore(tmp_path / "x")


def test_where_there_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="FileNotFoundError"):
        restore(tmp_path / "x")
    with pytest.raises(CheckpointError, match="received an empty directory"):
        restore(tmp_path)
    (tmp_path / "_METADATA").write_text("{")
    with pytest.raises(CheckpointError, match="expected the checkpoint to be read"):
        restore(tmp_path)


def edit(path: Path, of_w: Any, **change: Any) -> None:
    """Change the manifest, and give it the right checksum again."""
    place = path / "_METADATA"
    whole = json.loads(place.read_text())
    manifest = json.loads(whole["custom_metadata"][KEY])["manifest"]
    of_w(next(entry for entry in manifest["arrays"] if entry["name"] == "w"))
    manifest.update(change)
    sealed = {"checksum": checksum(to_json(manifest).encode()), "manifest": manifest}
    whole["custom_metadata"][KEY] = to_json(sealed)
    place.write_text(json.dumps(whole))
