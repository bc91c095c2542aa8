from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import CheckpointError, UnknownNameError
from treexlite.checkpoints import Checkpoint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path: Path = tmp_path / "x.safetensors"
    tree = {"w": jnp.arange(6.0).reshape(2, 3), "key": jax.random.key(1)}
    tx.save(path, tree, extra={"best": np.ones(1), "epoch": 2})
    return path


def test_it_is_a_mapping_of_what_is_in_the_tree(path: Path) -> None:
    with Checkpoint(path) as checkpoint:
        assert sorted(checkpoint) == ["key", "w"]
        assert len(checkpoint) == 2
        assert "w" in checkpoint
        assert "@extra/best" not in checkpoint
        assert checkpoint["w"][1].tolist() == [3, 4, 5]
        assert checkpoint["key"].dtype == np.uint32
        assert checkpoint.entries["key"].impl == "threefry2x32"
        assert checkpoint.extra["best"].tolist() == [1]
        assert "jax" in checkpoint.written_by
        assert repr(checkpoint) == f"Checkpoint({str(path)!r}, 2 arrays)"


def test_an_array_is_checked_when_it_is_first_looked_at(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.rindex(np.float32(5).tobytes())
    data[at] ^= 1
    path.write_bytes(data)
    with Checkpoint(path) as checkpoint:
        for _ in range(2):
            with pytest.raises(CheckpointError, match="at w: expected bytes with the checksum"):
                checkpoint["w"]
        with pytest.raises(CheckpointError, match="at w"):
            checkpoint.verify()
        assert checkpoint["key"].shape == (2,)


def test_names_that_are_not_in_it_are_refused_with_the_close_ones(path: Path) -> None:
    refused = pytest.raises(UnknownNameError, match=r"an array .*'w'.* received 'v'")
    with Checkpoint(path) as checkpoint, refused:
        checkpoint["v"]


def test_a_closed_one_is_refused(path: Path) -> None:
    checkpoint = Checkpoint(path)
    checkpoint.close()
    for read in (checkpoint.tree, checkpoint.verify, lambda: checkpoint["w"]):
        with pytest.raises(CheckpointError, match=r"one that was closed.* `with` block"):
            read()


def test_all_of_it_can_be_verified(path: Path) -> None:
    with Checkpoint(path) as checkpoint:
        checkpoint.verify()


def test_mapped_trees_have_real_keys(path: Path) -> None:
    with Checkpoint(path) as checkpoint:
        tree = checkpoint.tree(mmap=True)
    assert jnp.issubdtype(tree["key"].dtype, jax.dtypes.prng_key)
    assert float(tree["w"].sum()) == 15
