import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.serving.models import Counter, X, linear
from treexlite._errors import (
    ArgumentError,
    CheckpointError,
    NotInitializedError,
    UnknownNameError,
)

both = pytest.mark.parametrize("name", ["x", "x.safetensors"])
PLAIN = Path(__file__).parents[2] / "examples" / "serve_plain_jax.py"


@both
def test_a_file_or_a_directory_is_written_whole(name: str, tmp_path: Path) -> None:
    model = linear()
    tx.export(model, X, tmp_path / name)
    tx.export(model, X, tmp_path / name, parameters="inside")  # in its place
    exported = tx.load_exported(tmp_path / name)
    assert exported.parameters == {}
    np.testing.assert_allclose(exported(X), model(X), rtol=1e-6)
    assert os.listdir(tmp_path) == [name]


def test_the_model_runs_in_evaluation_mode_and_stays_as_it_is(tmp_path: Path) -> None:
    model = tx.nn.Sequential(tx.nn.Linear(2), tx.nn.Dropout(0.5)).init(0, X)
    before = model.state_dict()
    tx.export(model, X, tmp_path / "x")
    assert model.training
    assert all(value is before[name] for name, value in model.state_dict().items())
    found = tx.load_exported(tmp_path / "x")(X)
    np.testing.assert_allclose(found, model.eval()(X), rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"writes `layers/1/key` \(Rng\)"):
        tx.export(model, X, tmp_path / "x", training=True)
    tx.export(model, X, tmp_path / "y", training=True, ignore_writes=True)
    assert (tx.load_exported(tmp_path / "y")(X) == 0).any()


def test_several_inputs_in_trees_with_sizes_of_their_own(tmp_path: Path) -> None:
    def both(model: Any, x: Any, more: Any) -> Any:
        return {"y": model(x) * more["scale"], "t": more["t"] * 2}

    inputs = (X, {"scale": jnp.ones(()), "t": jnp.ones((2, 4))})
    path = tmp_path / "x"
    tx.export(linear(), inputs, path, call=both, shapes=("n, ...", "n, time"))
    exported = tx.load_exported(path)
    found = exported(jnp.ones((3, 3)), {"scale": 2.0, "t": jnp.ones((3, 7))})
    assert jax.tree.map(jnp.shape, found) == {"t": (3, 7), "y": (3, 2)}
    assert repr(exported.inputs[1]["t"]) == "ArraySpec(n, time; float32)"


def test_fixed_sizes(tmp_path: Path) -> None:
    tx.export(linear(), jax.ShapeDtypeStruct((2, 3), jnp.float32), tmp_path / "x", shapes=None)
    assert tx.load_exported(tmp_path / "x").inputs[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"call": 3}, ArgumentError, r"`call` to be a function .* call=3"),
        ({"call": Counter()}, ArgumentError, r"`call` to be a function"),
        ({"call": Counter().__call__}, ArgumentError, r"`call` to be a function.*method of the cl"),
        ({"training": "no"}, ArgumentError, "`training` to be True or False, received training='n"),
        ({"ignore_writes": 1}, ArgumentError, "`ignore_writes` to be True or False"),
        ({"parameters": "outside"}, UnknownNameError, "place of parameters.*'outside'"),
        ({"platforms": "cude"}, UnknownNameError, "a platform.*Did you mean 'cuda'"),
        ({"platforms": 3}, UnknownNameError, "a platform.*'3'"),
        ({"platforms": ["gpu"]}, UnknownNameError, "'gpu'. Say which: 'cuda' of NVIDIA"),
        ({"platforms": ()}, ArgumentError, "at least one platform"),
        ({"shapes": "n, ("}, ArgumentError, "as in `jax.export"),
        ({"inputs": "text"}, ArgumentError, r"at `inputs\[0\]`"),
        ({"inputs": {1: X}}, ArgumentError, r"strings as keys"),
        ({"model": 3}, ArgumentError, "a module as the first argument, received model=3"),
        ({"model": tx.nn.Linear(2)}, NotInitializedError, "waits for `init`"),
        ({"path": 3}, ArgumentError, "a path"),
        ({"path": "a\0b"}, ArgumentError, "a path"),
    ],
)
def test_bad_arguments_write_nothing(
    options: Any, error: Any, message: str, tmp_path: Path
) -> None:
    given = {"model": linear(), "inputs": X, "path": tmp_path / "x", **options}
    with pytest.raises(error, match=message):
        tx.export(**given)
    assert not os.listdir(tmp_path)


def test_a_model_of_shapes_has_no_values_to_write(tmp_path: Path) -> None:
    shapes = tx.eval_shape(linear)
    with pytest.raises(NotInitializedError, match="with values in its arrays, received shapes"):
        tx.export(shapes, X, tmp_path / "x")


def test_what_is_no_checkpoint_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(CheckpointError, match="a file of that name"):
        tx.export(linear(), X, tmp_path / "x")
    assert (tmp_path / "x").read_text() == "mine"


@both
def test_the_checkpoint_of_a_training_is_not_replaced(name: str, tmp_path: Path) -> None:
    model = linear()
    tx.save(tmp_path / name, model)
    with pytest.raises(CheckpointError, match="received a checkpoint of something else"):
        tx.export(model, X, tmp_path / name)
    tx.load(tmp_path / name, into=model)


def test_a_platform_is_named_once(tmp_path: Path) -> None:
    tx.export(linear(), X, tmp_path / "x", platforms=("cpu", "cpu"))
    assert tx.load_exported(tmp_path / "x").platforms == ("cpu",)


def test_the_manifest_is_json_that_every_program_reads(tmp_path: Path) -> None:
    tx.export(linear(), X, tmp_path / "x")
    sealed = json.loads((tmp_path / "x" / "treexlite.json").read_text())
    described = sealed["manifest"]["plain"]["extra"]["value"]
    assert described["inputs"] == [{"array": ["float32", ["batch", 3]]}]
    assert described["outputs"] == {"array": ["float32", ["batch", 2]]}


@pytest.mark.parametrize("parameters", ["beside", "inside"])
def test_plain_jax_runs_the_file_in_a_process_of_its_own(parameters: Any, tmp_path: Path) -> None:
    model, path = linear(), tmp_path / "x.safetensors"
    tx.export(model, X, path, parameters=parameters)
    np.save(tmp_path / "x.npy", X)
    words = [sys.executable, str(PLAIN), str(path), "--inputs", str(tmp_path / "x.npy")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "treexlite" not in done.stderr
    np.testing.assert_allclose(json.loads(done.stdout)["outputs"], model(X), rtol=1e-5)
