"""Files of weights: what others write is read, and what we write is theirs to read."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save, save_file

import treexlite as tx
from tests.training.models import arrays, assert_same
from treexlite._errors import CheckpointError, StateDictError
from treexlite.interop.torch import linear, load_safetensors, save_safetensors

RULES = {"": linear("fc")}


def layer(seed: int = 0, dtype: object = jnp.float32) -> tx.nn.Linear:
    return tx.nn.Linear(2, param_dtype=dtype).init(seed, jnp.ones((1, 3), dtype))


def test_a_file_is_read_by_the_package_itself(tmp_path: Path) -> None:
    path = tmp_path / "below" / "model.safetensors"
    model = layer()
    save_safetensors(path, model, RULES, {"note": "a"})
    found = load_file(path)
    np.testing.assert_array_equal(found["fc.weight"], np.asarray(model.kernel).T)
    with safe_open(path, "np") as file:
        assert file.metadata() == {"format": "pt", "note": "a"}
    other = layer(1)
    load_safetensors(path, other, RULES)
    assert_same(arrays(other), arrays(model))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float8_e4m3fn, jnp.float16])
def test_small_floats_keep_their_bits(dtype: object, tmp_path: Path) -> None:
    path, model = tmp_path / "model.safetensors", layer()
    model = tx.map(lambda leaf: leaf.astype(dtype), model)
    save_safetensors(path, model, RULES)
    other = tx.map(lambda leaf: jnp.zeros_like(leaf), model)
    load_safetensors(path, other, RULES)
    assert_same(arrays(other), arrays(model))


@pytest.mark.parametrize("content", [b"", b"{}", b"\x10" + bytes(7) + b"{" * 16, b"\xff" * 30])
def test_what_is_no_such_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path, model = tmp_path / "model.safetensors", layer()
    path.write_bytes(content)
    before = arrays(model)
    with pytest.raises(CheckpointError, match="expected a safetensors file, received") as caught:
        load_safetensors(path, model, RULES)
    assert caught.value.filename == str(path)
    assert_same(arrays(model), before)


def test_a_dtype_that_nobody_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    content = save({"fc.weight": np.ones(4, np.uint8)}).replace(b'"U8"', b'"F8_E8M0"')
    length = int.from_bytes(content[:8], "little") + 5
    path.write_bytes(length.to_bytes(8, "little") + content[8:])
    with pytest.raises(CheckpointError, match=r"fc.weight: expected a dtype among .*'F8_E8M0'"):
        load_safetensors(path, layer(), RULES)


def test_what_the_system_refuses_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="to be read, received FileNotFoundError"):
        load_safetensors(tmp_path / "none", layer(), RULES)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match="expected the checkpoint to be saved"):
        save_safetensors(tmp_path / "file" / "model", layer(), RULES)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"fc.weight": np.ones((3, 3), np.float32)}, path)
    with pytest.raises(StateDictError, match=r"fc.weight: expected shape \(2, 3\)"):
        load_safetensors(path, layer(), RULES)
    assert load_safetensors(path, layer(), RULES, strict=False).loaded == ()
