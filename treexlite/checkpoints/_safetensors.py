"""The header of a safetensors file: written, and read with suspicion.

In: entries in the order of their bytes, and metadata. Out: the header's bytes. Or in: an open file.
Out: where the bytes of each array are, or a `ValueError` that says what is wrong. The file is

    8 bytes     n, the length of the header, little-endian
    n bytes     JSON: {"__metadata__": {...}, name: {"dtype", "shape", "data_offsets"}, ...}
    the rest    the bytes of the arrays, without gaps

The header is all that we share with other programs. It is written and parsed here rather than by
the `safetensors` package, because files have to be flushed before they count, to be read a part at
a time, and to be checked against their manifest to the last byte.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterable
from io import FileIO
from typing import Any, NamedTuple

from treexlite.checkpoints._dtypes import dtype_of, stored
from treexlite.checkpoints._manifest import MAX_BYTES, Entry, from_json, to_json


class Place(NamedTuple):
    """Where the bytes of an array begin in a file, and how many there are."""

    start: int
    size: int


def num_bytes(entry: Entry) -> int:
    """Return how many bytes an array has.

    Raises:
        ValueError: there is no such dtype.
    """
    return math.prod(entry.shape) * dtype_of(entry.dtype).itemsize


def in_file_order(entries: Iterable[Entry]) -> list[Entry]:
    """Sort arrays so that each lies at a multiple of the size of its elements."""
    return sorted(entries, key=lambda entry: -dtype_of(entry.dtype).itemsize)


def table(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """Return what the header says about the arrays.

    Raises:
        ValueError: there is no such dtype.
    """
    start = 0
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        end = start + num_bytes(entry)
        code, last_axis = stored(entry.dtype) or ("", ())
        shape = [*entry.shape, *last_axis]
        found[entry.name] = {"dtype": code, "shape": shape, "data_offsets": [start, end]}
        start = end
    return found


def header(entries: Iterable[Entry], metadata: dict[str, str]) -> bytes:
    """Return the beginning of a file, up to the bytes of the arrays.

    Raises:
        ValueError: it is longer than other programs read.
    """
    text = to_json({"__metadata__": metadata, **table(entries)}).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_BYTES:
        raise ValueError(f"names and plain data of {len(text):,} bytes, {MAX_BYTES:,} are allowed")
    return struct.pack("<Q", len(text)) + text


def read_header(file: FileIO) -> tuple[dict[str, Any], int]:
    """Read the header of an open file.

    Returns:
        The header's JSON object, and where the bytes of the arrays begin.

    Raises:
        ValueError: saying what is wrong.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    first = file.read(8)
    if len(first) < 8:
        raise ValueError(f"a file of {size} bytes")
    (length,) = struct.unpack("<Q", first)
    if length > MAX_BYTES or length > size - 8:
        raise ValueError(f"a header of {length:,} bytes in a file of {size:,}")
    text = file.read(length)
    if len(text) != length or text[:1] != b"{":
        raise ValueError("a header that is no JSON object")
    return from_json(text), 8 + length


def places(found: dict[str, Any], entries: list[Entry], start: int, end: int) -> dict[str, Place]:
    """Return where the bytes of the arrays are, if the header and the manifest agree about it.

    Args:
        found: the header's JSON object.
        entries: of the manifest.
        start: where the bytes of the arrays begin.
        end: the size of the file.

    Raises:
        ValueError: saying what is wrong.
    """
    expected = table(entries)
    arrays = {name: item for name, item in found.items() if name != "__metadata__"}
    if arrays != expected:
        names = sorted(set(arrays) ^ set(expected)) or [
            n for n in expected if arrays[n] != expected[n]
        ]
        raise ValueError(
            f"a header that says {arrays.get(names[0], 'nothing')} of {names[0]!r}, where the"
            f" manifest says {expected.get(names[0], 'nothing')}"
        )
    result = {}
    for name, item in expected.items():
        first, last = item["data_offsets"]
        result[name] = Place(start + first, last - first)
    whole = start + sum(place.size for place in result.values())
    if end != whole:
        raise ValueError(f"{end:,} bytes, where there should be {whole:,}")
    return result
