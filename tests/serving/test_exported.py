import json
import zlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.serving.models import X, linear
from treexlite._errors import ArgumentError, CheckpointError, ContextError, ShapeError
from treexlite.checkpoints import Checkpoint
from treexlite.serving import _exported
from treexlite.serving._manifest import VERSION


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "x.safetensors"
    tx.export(linear(), X, path)
    return path


def rewritten(path: Path, to: Path, change: Any) -> Path:
    """Save the parts of an export again, after `change(tree, manifest)`."""
    with Checkpoint(path) as checkpoint:
        tree, manifest = checkpoint.tree(), checkpoint.extra
    change(tree, manifest)
    tx.save(to / "changed", tree, extra=manifest)
    return to / "changed"


def test_an_exported_model_says_what_it_is(path: Path) -> None:
    exported = tx.load_exported(str(path))
    assert repr(exported) == f"Exported({str(path)!r})"
    assert exported.platforms == (jax.export.default_export_platform(),)
    assert (exported.written_by["jax"], exported.constraints) == (jax.__version__, ())
    assert sorted(exported.parameters) == ["bias", "kernel"]


def test_it_runs_inside_of_transformations(path: Path) -> None:
    exported = tx.load_exported(path)
    np.testing.assert_allclose(jax.jit(lambda x: exported(x) + 1)(X), linear()(X) + 1, rtol=1e-6)


def test_it_cannot_be_mapped(path: Path) -> None:
    with pytest.raises(ContextError, match=r"whole batches, .*outside of `vmap`"):
        jax.vmap(tx.load_exported(path))(X[None])


def test_operations_of_a_later_jax_are_refused_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(program: Any) -> Any:
        raise RuntimeError("Failed to deserialize StableHLO")

    monkeypatch.setattr(_exported.jax_export.Exported, "mlir_module", parse)
    tx.load_exported(path)  # of the same version: nothing is parsed before the first call
    monkeypatch.setattr(jax, "__version__", "0.0.1")
    with pytest.raises(CheckpointError, match=r"JAX 0\.0\.1 can read, .*Failed to deserialize"):
        tx.load_exported(path)


def test_a_size_that_breaks_a_constraint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    tx.export(linear(), X, path, constraints=["batch <= 4"])
    exported = tx.load_exported(path)
    assert exported(X).shape == (2, 2)
    with pytest.raises(ShapeError, match=r"batch <= 4, received \(ArraySpec\(5, 3; float32\),\)"):
        exported(jnp.ones((5, 3)))


def test_wrong_inputs_are_refused_before_anything_runs(path: Path) -> None:
    exported = tx.load_exported(path)
    with pytest.raises(ShapeError, match=r"\(batch, 3\) and dtype float32 as `inputs\[0\]`"):
        exported(jnp.ones((2, 4)))
    with pytest.raises(ArgumentError, match="float64"):
        exported(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, m: m.update(format="other"), "a checkpoint without a program"),
        (lambda t, m: m.update(version=VERSION + 1), "a program of version 2.*that wrote it"),
        (lambda t, m: m.update(inputs=[]), r"agrees with its manifest, received inputs"),
        (lambda t, m: m.update(outputs=None), "agrees with its manifest, received outputs"),
        (lambda t, m: t.pop("parameters"), "without a program"),
        (lambda t, m: t.update(program=np.ones(3)), "a program that is no bytes"),
        (lambda t, m: t.update(parameters=[]), "parameters that are no dict"),
        (lambda t, m: t["parameters"].pop("bias"), "received parameters"),
        (lambda t, m: t.update(program=np.zeros(9, np.uint8)), r"JAX .* can read, received one of"),
        (lambda t, m: t.update(program=np.zeros(0, np.uint8)), r"can read, received one of JAX"),
    ],
)
def test_a_file_that_only_looks_like_a_program_is_refused(
    change: Any, message: str, path: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        tx.load_exported(rewritten(path, tmp_path, change))


def test_a_checkpoint_is_no_program(tmp_path: Path) -> None:
    tx.save(tmp_path / "x", linear())
    with pytest.raises(CheckpointError, match=r"that `tx\.export` wrote, received"):
        tx.load_exported(tmp_path / "x")
    with pytest.raises(CheckpointError, match="No such file"):
        tx.load_exported(tmp_path / "y")
    with pytest.raises(ArgumentError, match="a path"):
        tx.load_exported(3)  # type: ignore[arg-type]


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_a_file_that_was_cut_or_flipped_is_refused(data: Any, path: Path) -> None:
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        flipped = whole[place] ^ (1 << data.draw(st.integers(0, 7)))
        damaged = whole[:place] + bytes([flipped]) + whole[place + 1 :]
    other = path.with_name("damaged.safetensors")
    other.write_bytes(damaged)
    with pytest.raises(CheckpointError):
        tx.load_exported(other)


def test_a_newer_checkpoint_is_told_apart(path: Path, tmp_path: Path) -> None:
    place = rewritten(path, tmp_path, lambda tree, manifest: None) / "treexlite.json"
    content = {**json.loads(place.read_text())["manifest"], "version": 99}
    text = json.dumps(content, separators=(",", ":"))
    sealed = {"checksum": f"{zlib.crc32(text.encode()):08x}", "manifest": content}
    place.write_text(json.dumps(sealed, separators=(",", ":")))
    with pytest.raises(CheckpointError, match="a version that this treexlite knows"):
        tx.load_exported(place.parent)


def test_a_program_runs_where_it_was_exported_for(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx.export(linear(), X, tmp_path / "tpu", platforms="tpu")
    with pytest.raises(ContextError, match=r"a device of tpu, for which .*`platforms="):
        tx.load_exported(tmp_path / "tpu")
    monkeypatch.setattr(_exported.jax_export, "default_export_platform", lambda: "tpu")
    exported = tx.load_exported(path)  # as on a machine with a TPU: the CPU is there too
    assert exported(X).devices() == {jax.devices("cpu")[0]}


def test_a_missing_package_is_not_taken_for_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deserialize(data: bytearray) -> Any:
        raise ImportError("Please install 'flatbuffers'")

    monkeypatch.setattr(_exported.jax_export, "deserialize", deserialize)
    with pytest.raises(ImportError, match="flatbuffers"):
        tx.load_exported(path)


def test_64_bits_are_refused_where_jax_has_32(tmp_path: Path) -> None:
    before = jax.config.read("jax_enable_x64")
    try:
        jax.config.update("jax_enable_x64", True)
        x = jnp.ones((1, 3))
        tx.export(tx.nn.Linear(2, param_dtype="float64").init(0, x), x, tmp_path / "x")
        assert tx.load_exported(tmp_path / "x")(x).dtype == "float64"
    finally:
        jax.config.update("jax_enable_x64", before)
    with pytest.raises(ArgumentError, match="load_exported: expected JAX to be set to 64 bits"):
        tx.load_exported(tmp_path / "x")
