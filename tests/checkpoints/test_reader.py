"""Whatever was done to a file, reading it gives what was saved, or an error that names it."""

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.budget import ALL_LAWS
from treexlite._errors import CheckpointError
from treexlite.checkpoints import _checks, _disk, _format, _reader
from treexlite.checkpoints._disk import MANIFEST
from treexlite.checkpoints._format import read, write
from treexlite.checkpoints._manifest import checksum, seal, to_json
from treexlite.checkpoints._reader import Reader

ARRAYS = {
    "a/w": np.arange(12.0).reshape(3, 4),
    "b": np.array([True, False]),
    "c": np.int8(3),
    "d": np.zeros((0, 2)),
}
PLAIN = {"epoch": 3, "nested": [1.5, (None,)]}


@pytest.fixture(params=["x", "x.safetensors"])
def path(request: Any, tmp_path: Path) -> Path:
    """A checkpoint, as a directory and as a file."""
    path: Path = tmp_path / request.param
    write(path, ARRAYS, PLAIN)
    return path


def is_intact(path: Path) -> bool:
    arrays, plain = read(path)
    same = [np.array_equal(arrays[name], value) for name, value in ARRAYS.items()]
    return plain == PLAIN and list(map(str, sorted(arrays))) == sorted(ARRAYS) and all(same)


def data_file(path: Path) -> Path:
    return next(path.glob("arrays-*")) if path.is_dir() else path


def test_it_reads_what_was_written(path: Path) -> None:
    assert is_intact(path)
    with Reader(path) as reader:
        mapped = reader.mapped("a/w", verify=True)
        assert not mapped.flags.writeable
        assert mapped.tolist() == ARRAYS["a/w"].tolist()
        assert reader.mapped("d", verify=False).shape == (0, 2)
    assert mapped[2, 3] == 11  # and it stays when the file is closed


def test_an_open_checkpoint_stays_what_it_is(path: Path) -> None:
    with Reader(path) as reader:
        write(path, {"a/w": np.ones(3)}, {})
        assert np.array_equal(reader.array("a/w"), ARRAYS["a/w"])
    assert read(path)[0]["a/w"].tolist() == [1, 1, 1]


def test_arrays_that_were_begun_are_checked_at_the_end(path: Path) -> None:
    with Reader(path) as reader:
        start = reader._places["a/w"].start
    flip(data_file(path), start, 0)
    with Reader(path) as reader:
        assert reader.begin("c") == 3
        reader.begin("a/w")
        with pytest.raises(CheckpointError, match="at a/w"):
            reader.finish()
        reader.finish()  # told once
        assert reader.array("c") == 3


def test_a_loaded_array_may_be_donated_and_a_numpy_array_written_to(tmp_path: Path) -> None:
    write(tmp_path / "x", {"jax": jnp.arange(4096.0), "numpy": np.zeros(3)}, {})
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    with Reader(tmp_path / "x") as reader:
        first, again = reader.array("jax"), reader.array("jax")
        array = reader.array("numpy")
    for _ in range(3):
        first = step(first)
    array += 1
    assert first.tolist() == [n + 3 for n in range(4096)]
    assert again.tolist() == list(range(4096))
    assert array.tolist() == [1, 1, 1]
    assert read(tmp_path / "x")[1] == {}


def test_arrays_are_checked_in_parts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_checks, _disk, _format, _reader):
        monkeypatch.setattr(module, "CHUNK", 40)
    write(path, ARRAYS, PLAIN)
    assert is_intact(path)
    with Reader(path) as reader:
        assert len(reader.entries["a/w"].checksums) == 3
        reader.mapped("a/w", verify=True)
    monkeypatch.setattr(_reader, "CHUNK", 50)
    with pytest.raises(CheckpointError, match="3 checksums for 'a/w'"):
        read(path)


def test_a_flipped_bit_is_found_and_its_array_named(path: Path) -> None:
    file = data_file(path)
    with Reader(path) as reader:
        start = reader._places["a/w"].start
    flip(file, start + 17, 3)
    with pytest.raises(
        CheckpointError, match=r"at a/w: expected bytes with the checksum"
    ) as caught:
        read(path)
    assert str(file) in str(caught.value)
    with Reader(path) as reader:
        with pytest.raises(CheckpointError, match="checksum"):
            reader.mapped("a/w", verify=True)
        assert reader.array("c") == 3


def flip(file: Path, position: int, bit: int) -> None:
    data = bytearray(file.read_bytes())
    data[position] ^= 1 << bit
    file.write_bytes(data)


def test_a_file_cut_after_it_was_opened_is_noticed(path: Path) -> None:
    with Reader(path) as reader:
        os.truncate(data_file(path), reader._places["a/w"].start + 8)
        with pytest.raises(CheckpointError, match="as if the file had been cut"):
            reader.array("a/w")


MUTATIONS: list[Callable[[bytearray, random.Random], Any]] = [
    lambda d, r: d.__setitem__(r.randrange(len(d)), r.randrange(256)),
    lambda d, r: d.__delitem__(slice(r.randrange(len(d)), None)),
    lambda d, r: d.__delitem__(slice(start := r.randrange(len(d)), start + r.randrange(1, 9))),
    lambda d, r: d.__setitem__(slice(start := r.randrange(len(d)), start), r.randbytes(3)),
    lambda d, r: d.extend(r.randbytes(r.randrange(1, 99))),
    lambda d, r: d.__setitem__(slice(0, 8), struct.pack("<Q", r.choice([0, 7, 2**40, 2**63]))),
    lambda d, r: d.__setitem__(slice(start := r.randrange(len(d)), start + 30), bytes(30)),
    lambda d, r: d.__setitem__(slice(None), d[: len(d) // 2] + d[: len(d) // 2]),
    lambda d, r: d.__setitem__(slice(None), d.replace(b"a/w", b"../")),
    lambda d, r: d.__setitem__(slice(None), d.replace(b"F64", b"F32", 1)),
    lambda d, r: d.__setitem__(slice(None), d.replace(b'"c"', b'"b"', r.randrange(1, 3))),
]


def test_2000_mutations_are_refused_or_harmless(tmp_path: Path) -> None:
    dice = random.Random(0)
    refused = 0
    files = []
    for name in ("x", "x.safetensors"):
        write(tmp_path / name, ARRAYS, PLAIN)
        files += [tmp_path / name] if "." in name else list((tmp_path / name).iterdir())
    for number in range(2000 if ALL_LAWS else 300):
        file = files[number % len(files)]
        path = file if file.parent == tmp_path else file.parent
        good = file.read_bytes()
        data = bytearray(good)
        for _ in range(dice.choice([1, 1, 3])):
            if data:
                dice.choice(MUTATIONS)(data, dice)
        file.write_bytes(data)
        try:
            assert is_intact(path)
        except CheckpointError as error:
            refused += str(path) in str(error)
        file.write_bytes(good)
    assert refused > 250


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of a directory, and its checksum with it: what an attacker would do."""
    content = json.loads((path / MANIFEST).read_text())["manifest"]
    change(content)
    sealed = {"checksum": checksum(to_json(content).encode()), "manifest": content}
    (path / MANIFEST).write_text(to_json(sealed))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(version=99), "version 99, written by.*the version that wrote it"),
        (lambda c: c.update(data="/etc/passwd"), "no name that we give"),
        (lambda c: c.update(data="../x"), "no name that we give"),
        (lambda c: c.update(data="arrays-0000000000000000.safetensors"), "no such file"),
        (lambda c: c.update(data=None), "belongs into a single file"),
        (lambda c: c["arrays"][0].update(name="../a"), "means a directory"),
        (lambda c: c["arrays"][0].update(shape=[4, 3]), "a header that says"),
        (lambda c: c["arrays"][0].update(shape=[10**30]), "checksums for"),
        (lambda c: c["arrays"][0].update(dtype="object"), "the dtype 'object'"),
        (lambda c: c["arrays"][0].update(checksums=["00000000"]), "the checksum 00000000"),
        (lambda c: c["arrays"][0].update(checksums=[]), "0 checksums"),
        (lambda c: c["arrays"].pop(), "a header that says"),
    ],
)
def test_a_manifest_that_lies_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    write(tmp_path / "x", ARRAYS, PLAIN)
    rewritten(tmp_path / "x", change)
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path / "x")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"FileNotFoundError.* Check the path"):
        read(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="an empty directory"):
        read(tmp_path)
    (tmp_path / "step1").mkdir()
    with pytest.raises(CheckpointError, match="a directory with step1 in it"):
        read(tmp_path)
    for content in (b"", b"\x89PNG\r\n", b"\x80\x04pickle", b"PK\x03\x04" + bytes(100)):
        (tmp_path / "foreign").write_bytes(content)
        with pytest.raises(CheckpointError, match="expected a safetensors file"):
            read(tmp_path / "foreign")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(CheckpointError, match=r"something else \(p"):
        read(tmp_path / "fifo")


def test_safetensors_files_of_others_are_refused(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "x.safetensors"
    for metadata in (None, {"format": "pt"}):
        numpy.save_file({"w": np.ones(2)}, path, metadata=metadata)
        with pytest.raises(CheckpointError, match=r"without its manifest.*safetensors\.numpy"):
            read(path)


def test_others_can_read_our_arrays(path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    loaded = numpy.load_file(data_file(path))
    assert loaded["a/w"].tolist() == ARRAYS["a/w"].tolist()


def test_a_file_is_not_taken_for_a_directory_nor_the_reverse(tmp_path: Path) -> None:
    write(tmp_path / "x", ARRAYS, PLAIN)
    write(tmp_path / "x.safetensors", ARRAYS, PLAIN)
    with pytest.raises(CheckpointError, match="without its manifest"):
        read(data_file(tmp_path / "x"))
    (tmp_path / "y").mkdir()
    with Reader(tmp_path / "x.safetensors") as reader:
        (tmp_path / "y" / MANIFEST).write_text(seal(reader.manifest))
    with pytest.raises(CheckpointError, match="belongs into a single file"):
        read(tmp_path / "y")


def test_a_checkpoint_replaced_while_it_is_opened_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    write(path, {"w": np.zeros(1)}, {})
    real = _reader.unseal

    def slow(text: Any) -> Any:
        manifest = real(text)
        monkeypatch.setattr(_reader, "unseal", real)
        write(path, {"w": np.ones(1)}, {})  # which removes the file that the old manifest names
        return manifest

    monkeypatch.setattr(_reader, "unseal", slow)
    assert read(path)[0]["w"].tolist() == [1]


def test_a_manifest_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "x", ARRAYS, PLAIN)
    monkeypatch.setattr(_reader, "MAX_BYTES", 10)
    with pytest.raises(CheckpointError, match="at most 10 bytes"):
        read(tmp_path / "x")


def test_what_the_system_refuses_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(_reader, "open", refuse, raising=False)
    with pytest.raises(CheckpointError, match=r"PermissionError.*Ask for the permission"):
        read(path)


def test_a_path_that_no_system_has_is_refused() -> None:
    with pytest.raises(CheckpointError, match="expected a path, received one with a NUL"):
        Reader("a\0b")
