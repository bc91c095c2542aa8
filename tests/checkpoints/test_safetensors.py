import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from treexlite.checkpoints import _safetensors
from treexlite.checkpoints._manifest import Entry
from treexlite.checkpoints._safetensors import header, in_file_order, places, read_header, table

ENTRIES = [Entry("w", "float32", (2, 3)), Entry("c", "complex64", ()), Entry("n", "int4", (3,))]


def test_bytes_follow_each_other_and_small_types_come_last() -> None:
    entries = in_file_order([Entry("n", "int4", (3,)), *ENTRIES[:2]])
    assert [entry.name for entry in entries] == ["c", "w", "n"]
    assert table(entries) == {
        "c": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
        "n": {"dtype": "U8", "shape": [3], "data_offsets": [32, 35]},
    }


def test_a_header_is_read_as_it_was_written(tmp_path: Path) -> None:
    data = header(ENTRIES, {"a": "b"})
    assert len(data) % 8 == 0
    path = tmp_path / "x"
    path.write_bytes(data + bytes(35))
    with path.open("rb", buffering=0) as file:
        found, start = read_header(file)
    assert start == len(data)
    assert found["__metadata__"] == {"a": "b"}
    where = places(found, ENTRIES, start, start + 35)
    assert where["c"] == (start + 24, 8)


def test_a_header_that_nobody_reads_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_safetensors, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="100 are allowed"):
        header(ENTRIES, {})


def with_length(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a file of 0 bytes"),
        (b"1234567", "a file of 7 bytes"),
        (with_length(b"{}", 2**63), "a header of 9,223"),
        (with_length(b"{}", 3), "a header of 3 bytes in a file of 10"),
        (with_length(b""), "no JSON object"),
        (with_length(b"[]"), "no JSON object"),
        (with_length(b"{,}"), "Expecting"),
        (with_length(b'{"a": 1, "a": 1}'), "twice"),
    ],
)
def test_what_is_wrong_with_a_header_is_said(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with path.open("rb", buffering=0) as file, pytest.raises(ValueError, match=message):
        read_header(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 23]}}, "of 'w'"),
        ({"w": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}}, "of 'w'"),
        ({"w": 3}, "of 'w'"),
        ({"more": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, "nothing"),
    ],
)
def test_a_header_has_to_agree_with_the_manifest(change: Any, message: str) -> None:
    found = {**table(ENTRIES), **change}
    with pytest.raises(ValueError, match=message):
        places(found, ENTRIES, 0, 35)


@pytest.mark.parametrize("end", [34, 36])
def test_the_file_has_to_end_where_its_arrays_do(end: int) -> None:
    with pytest.raises(ValueError, match="where there should be 35"):
        places(table(ENTRIES), ENTRIES, 0, end)


def test_the_format_is_that_of_the_safetensors_package() -> None:
    safetensors = pytest.importorskip("safetensors")
    data = header([ENTRIES[0]], {"a": "b"}) + bytes(24)
    ((name, item),) = safetensors.deserialize(data)
    assert (name, item["dtype"], item["shape"]) == ("w", "F32", [2, 3])
    assert json.loads(io.BytesIO(data).read()[8:].split(b"}}")[0] + b"}}")  # plain JSON first
