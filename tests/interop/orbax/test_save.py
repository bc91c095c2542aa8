"""Checkpoints that others read, and that take no other's place."""

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests._core.modules import content
from tests.training.models import Everything, Scale
from treexlite._errors import ArgumentError, CheckpointError
from treexlite.interop.orbax import restore, save, save_args
from treexlite.interop.orbax._pytree import flat

orbax: Any = pytest.importorskip("orbax.checkpoint")


def test_orbax_alone_reads_it(tmp_path: Path) -> None:
    model = Everything().init(0, jnp.ones((2, 3)))
    save(tmp_path / "x", {"model": model, "step": 3, "empty": []})
    found = flat(orbax.StandardCheckpointer().restore(tmp_path / "x"))
    expected = model.state_dict()
    assert set(found) == {f"model/{path}" for path in expected}
    for path, value in expected.items():
        data = (
            jax.random.key_data(value)
            if jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
            else value
        )
        np.testing.assert_array_equal(found[f"model/{path}"], data)


def test_nothing_is_replaced_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x"
    save(path, {"w": jnp.zeros(2)})
    with pytest.raises(CheckpointError, match=r"expected nothing at the path, .*_METADATA.*force"):
        save(path, {"w": jnp.ones(2)})
    assert restore(path)["w"].tolist() == [0, 0]
    save(path, {"w": jnp.ones(2)}, force=True)
    assert restore(path)["w"].tolist() == [1, 1]


def test_only_a_checkpoint_is_removed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(CheckpointError, match="an Orbax checkpoint to be removed, or nothing"):
            save(path, {"w": jnp.ones(2)}, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"NotADirectory|FileExists"):
        save(tmp_path / "file" / "x", {"w": jnp.ones(2)})
    with pytest.raises(ArgumentError, match=r"interop.orbax.save: expected a path"):
        save({"w": jnp.ones(2)}, "x")  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == ["file"]


def test_a_manager_saves_while_the_arrays_are_donated(tmp_path: Path) -> None:
    model = Everything().init(0, jnp.ones((2, 3)))
    before = content(model)
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    with orbax.CheckpointManager(tmp_path) as manager:
        manager.save(3, args=save_args(model))
        model.linear.kernel = step(model.linear.kernel)
    other = Everything().init(1, jnp.ones((2, 3)))
    restore(tmp_path / "3", other)
    assert content(other) == before
    assert content(model) != before


def test_a_tree_is_one_item_of_several(tmp_path: Path) -> None:
    with orbax.CheckpointManager(tmp_path) as manager:
        items = {"model": save_args(Scale(3.0)), "notes": save_args({"epoch": 1})}
        manager.save(0, args=orbax.args.Composite(**items))
    assert float(restore(tmp_path / "0" / "model", Scale(1.0)).w) == 3
    assert restore(tmp_path / "0" / "notes") == {"epoch": 1}
    with pytest.raises(CheckpointError, match=r"of one item in it, received .*model, notes"):
        restore(tmp_path / "0")
