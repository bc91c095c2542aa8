"""What Orbax gets to write."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.models import Everything
from treexlite._errors import ArgumentError, CheckpointError
from treexlite.checkpoints._manifest import unseal
from treexlite.interop.orbax import _pytree
from treexlite.interop.orbax._pytree import EMPTY, KEY, Taken, flat, nested, taken


def take(tree: Any, with_checksums: bool = True) -> Taken:
    return taken("save", tree, with_checksums)


def test_arrays_stand_where_their_paths_say() -> None:
    model = Everything().init(0, jnp.ones((2, 3)))
    found = take({"model": model, "steps": [3, 4.5]})
    assert set(flat(found.pytree)) == {f"model/{path}" for path in model.state_dict()}
    assert found.pytree["model"]["hidden"]["kernel"] is model.hidden.kernel


def test_nested_and_flat_are_inverse() -> None:
    arrays = {"a/b/0": 1, "a/c": 2, "d": 3}
    assert nested(arrays) == {"a": {"b": {"0": 1}, "c": 2}, "d": 3}
    assert flat(nested(arrays)) == arrays


def test_what_orbax_cannot_write_is_written_otherwise() -> None:
    found = take(
        {
            "key": jax.random.key(3),
            "small": jnp.array([1, 15], jnp.uint4),
            "turned": np.arange(3, dtype=">i2"),
            "none": jnp.zeros((0, 3)),
        }
    ).pytree
    assert set(found) == {"key", "small", "turned"}
    assert found["key"].tolist() == [0, 3]
    assert (found["small"].dtype, found["small"].tolist()) == (np.uint8, [1, 15])
    assert found["turned"].dtype == np.dtype("<i2")


@pytest.mark.parametrize("tree", [{}, [], 3, jnp.zeros((0, 1))])
def test_a_tree_without_data_is_a_byte(tree: Any) -> None:
    assert list(take(tree).pytree) == [EMPTY]


def test_an_array_alone_has_a_name() -> None:
    assert list(take(jnp.ones(2)).pytree) == ["."]


def test_a_copy_is_taken_of_what_may_change() -> None:
    host = np.zeros(2)
    found = take({"host": host})
    host += 1
    assert found.pytree["host"].tolist() == [0, 0]


def test_checksums_are_kept_of_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def sums(**options: Any) -> int:
        return len(unseal(take({"w": jnp.ones(3)}, **options).metadata[KEY]).entries["w"].checksums)

    assert (sums(), sums(with_checksums=False)) == (1, 0)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    assert sums() == 0
    monkeypatch.undo()
    monkeypatch.setattr(_pytree, "is_whole", lambda value: False)
    assert sums() == 0


@pytest.mark.parametrize(
    "tree",
    [
        {"a": {"b": jnp.ones(1)}, "a.b": jnp.ones(1)},
        {"a.b/c": jnp.ones(1), "a/b.c": 2 * jnp.ones(1)},
    ],
)
def test_names_that_orbax_takes_for_one_are_refused(tree: Any) -> None:
    with pytest.raises(ArgumentError, match=r"names that Orbax tells apart.*'a[/.]b.*Rename"):
        take(tree)


def test_bytes_spread_over_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pytree, "is_whole", lambda value: False)
    with pytest.raises(ArgumentError, match=r"at w: expected no dtype of .*uint4.* over several"):
        take({"w": jnp.ones(2, jnp.uint4)})


def test_what_was_donated_is_refused() -> None:
    array = jnp.ones(2)
    array.delete()
    with pytest.raises(CheckpointError, match="which was donated"):
        take({"w": array})
    with pytest.raises(ArgumentError, match="save: expected arrays, modules"):
        take({"f": jnp.tanh})
