from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx
from tests._core.modules import Scale
from treexlite.checkpoints._checkpoint import Checkpoint
from treexlite.checkpoints._compare import Difference, differences


def compared(one: Any, two: Any, folder: Path, extras: Any = (None, None)) -> list[Difference]:
    tx.save(folder / "one", one, extra=extras[0])
    tx.save(folder / "two.safetensors", two, extra=extras[1])
    with Checkpoint(folder / "one") as left, Checkpoint(folder / "two.safetensors") as right:
        return differences(left, right)


def test_equal_trees_do_not_differ(tmp_path: Path) -> None:
    tree = {"w": jnp.array([jnp.nan, 0.0]), "k": jax.random.key(0), "n": 1.5}
    assert compared(tree, dict(reversed(tree.items())), tmp_path) == []


def test_every_entry_that_is_not_the_same_is_listed(tmp_path: Path) -> None:
    one = {
        "w": jnp.array([1.0, 2.0, 0.0]),
        "shape": jnp.ones(2),
        "form": jnp.ones(2),
        "gone": jnp.ones(1),
        "n": 1,
        "flag": jnp.array([True, False]),
        "k": jax.random.key(0),
        "c": jnp.array(1 + 1j),
    }
    two = {
        **one,
        "w": jnp.array([1.0, 2.5, -0.0]),
        "shape": jnp.ones(3),
        "form": np.ones(2, np.float32),
        "n": 2,
        "flag": jnp.array([True, True]),
        "k": jax.random.key(1),
        "c": jnp.array(1 + 2j),
        "new": jnp.asarray(1.0),
        "text": "x",
    }
    del two["gone"]
    found = {difference.path: difference[1:] for difference in compared(one, two, tmp_path)}
    assert found == {
        "w": ("float32[3]", "float32[3]", "2 of 3 values, by at most 0.5"),
        "shape": ("float32[2]", "float32[3]", "of another type"),
        "form": ("float32[2]", "float32[2] numpy", "of another type"),
        "gone": ("float32[1]", "", "only in the first"),
        "n": ("1", "2", "another value"),
        "flag": ("bool[2]", "bool[2]", "1 of 2 values"),
        "k": ("key<threefry2x32>[]", "key<threefry2x32>[]", "1 of 2 values"),
        "c": ("weak complex64[]", "weak complex64[]", "1 of 1 values, by at most 1"),
        "new": ("", "weak float32[]", "only in the second"),
        "text": ("", "'x'", "only in the second"),
    }


def test_plain_attributes_and_extra_are_compared_too(tmp_path: Path) -> None:
    one, two = Scale(1.0), Scale(1.0)
    one.calls, two.calls = 1, 2
    extras = {"epoch": 1, "w": np.ones(1)}, {"epoch": 2, "w": np.zeros(1)}
    found = [difference.path for difference in compared([one], [two], tmp_path, extras)]
    assert found == ["@extra/w", "0/calls", "@extra/epoch"]
