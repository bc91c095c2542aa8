"""What was saved comes back to the bit, and what does not fit is told."""

import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import content, untouched
from tests.checkpoints.test_arrays import bits
from tests.training.models import Everything, Scale
from treexlite._errors import ArgumentError, CheckpointWarning, NotInitializedError, StateDictError
from treexlite.interop.orbax import restore, save

pytest.importorskip("orbax.checkpoint")

DTYPES = (
    *("bool", "int4", "uint2", "uint8", "int32", "float16", "bfloat16", "float32", "complex64"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3", "float4_e2m1fn"),
)


def everything() -> dict[str, Any]:
    """All that a tree can hold."""
    odd = np.array([0x7FC01234, 0x80000000], np.uint32).view(np.float32)
    return {
        "dtypes": [jnp.array([[0, 1], [1, 0]]).astype(jnp.dtype(name)) for name in DTYPES],
        "keys": jax.random.split(jax.random.key(7, impl="rbg"), (2, 1)),
        "key": jax.random.key(1),
        "odd": jnp.asarray(odd),
        "rank 0": jnp.float32(0.1),
        "weak": jnp.asarray(0.1),
        "none": jnp.zeros((0, 3), jnp.bfloat16),
        "host": [np.array([2**63], np.uint64), np.float64(0.1), np.array(0.1), np.bool_(True)],
        "empty": [{}, (), [], None],
        "plain": (1, 2.5, float("nan"), "text", b"bytes", 1j, True),
    }


def test_every_sort_of_array_comes_back_to_the_bit(tmp_path: Path) -> None:
    tree = everything()
    save(tmp_path / "x", tree)
    back = restore(tmp_path / "x")
    zero = jax.tree.map(
        lambda x: x ^ x if isinstance(x, jax.Array) and x.dtype == bool else x, tree
    )
    into = restore(tmp_path / "x", zero)
    for found in (back, into):
        assert repr(found["empty"]) == "[{}, (), [], None]"
        assert repr(found["plain"]) == repr(tree["plain"])
        assert jax.tree.structure(found) == jax.tree.structure(tree)
        pairs = zip(jax.tree.leaves(found), jax.tree.leaves(tree), strict=True)
        assert all(bits(one) == bits(two) for one, two in pairs if hasattr(one, "dtype"))
        assert found["weak"].weak_type
        assert found["keys"].dtype == tree["keys"].dtype


def test_a_module_gets_back_what_it_had(tmp_path: Path) -> None:
    model = Everything().init(0, jnp.ones((2, 3)))
    other = Everything().init(1, jnp.ones((2, 3)))
    optimizers = [tx.Optimizer("adam").init(each) for each in (model, other)]
    save(tmp_path / "x", {"model": model, "optimizer": optimizers[0]})
    tree, report = restore(
        tmp_path / "x", {"model": other, "optimizer": optimizers[1]}, return_report=True
    )
    assert content(other) == content(model)
    assert tree["model"] is other
    assert report.missing == report.unexpected == report.mismatched == report.different == ()


class Two(tx.Module):
    def __init__(self, one: Any, two: Any, rate: float = 0.5) -> None:
        self.one, self.two, self.rate = one, two, rate


def test_a_shared_module_is_saved_once_and_restored_shared(tmp_path: Path) -> None:
    shared = Scale(3.0)
    save(tmp_path / "x", Two(shared, shared, rate=0.1))
    back = restore(tmp_path / "x")
    assert back["one"] is back["two"]
    other = Two(target := Scale(1.0), target)
    _, report = restore(tmp_path / "x", other, statics=True, return_report=True)
    assert (other.one is other.two, float(other.two.w), other.rate) == (True, 3.0, 0.1)
    assert (report.loaded, report.different) == (("one/w",), ("rate",))
    apart = restore(tmp_path / "x", Two(Scale(1.0), Scale(2.0)))
    assert (float(apart.one.w), float(apart.two.w)) == (3.0, 3.0)


@pytest.mark.parametrize("checksums", [True, False])
def test_two_modules_do_not_become_one_in_silence(checksums: bool, tmp_path: Path) -> None:
    save(tmp_path / "x", Two(Scale(3.0), Scale(4.0)), checksums=checksums)
    shared = Scale(1.0)
    with pytest.raises(StateDictError, match="expected one value, which several modules share"):
        restore(tmp_path / "x", Two(shared, shared))
    assert float(shared.w) == 1.0


def test_what_does_not_fit_is_listed_and_nothing_is_written(tmp_path: Path) -> None:
    save(tmp_path / "x", {"a": jnp.zeros(2), "b": jnp.zeros(3), "c": jnp.zeros(1)})
    model = {"a": Scale(1.0), "b": jnp.ones(4), "d": jnp.ones(2, jnp.bfloat16)}
    with untouched(model["a"]), pytest.raises(StateDictError) as caught:
        restore(tmp_path / "x", model)
    for part in ("load of", "without a/w, d", "unexpected a, c", "b: expected array of shape (4,)"):
        assert part in str(caught.value)
    with pytest.raises(NotInitializedError, match="a tree of initialised modules"):
        restore(tmp_path / "x", tx.nn.Linear(2))


def test_parts_are_loaded_under_other_names(tmp_path: Path) -> None:
    save(tmp_path / "x", {"old": {"w": jnp.arange(2.0), "v": jnp.ones(1)}})
    tree = {"new": {"w": jnp.zeros(2, jnp.bfloat16)}, "rest": jnp.ones(1)}
    options: Any = {"rename": {"old/**": "new/**"}, "strict": False, "cast": True}
    with pytest.warns(CheckpointWarning, match="missing: rest; unexpected: new/v"):
        restore(tmp_path / "x", tree, **options)
    assert (tree["new"]["w"].dtype, tree["new"]["w"].tolist()) == (jnp.bfloat16, [0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, report = restore(tmp_path / "x", tree, return_report=True, **options)
    assert (report.loaded, report.missing) == (("new/w",), ("rest",))
    part = restore(tmp_path / "x", filters="old/w")
    assert (part["old"]["w"].tolist(), part["old"]["v"]) == ([0, 1], tx.Nothing)


def test_an_option_without_a_tree_has_no_meaning(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="restore: expected `statics` with `into`"):
        restore(tmp_path / "x", statics=True)
