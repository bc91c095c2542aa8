"""The manifest: what a checkpoint holds, as a sealed JSON text.

In: a list of `Entry` (one for each array) and plain data. Out: text with a checksum over it; and
from such a text the same manifest, or a `ValueError` that says what is wrong with it. The text is
`{"checksum": ..., "manifest": {...}}`; this outer form never changes, so that any version can tell
a newer one from a damaged one. Loading executes nothing: JSON is all there is.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import json
import platform
import zlib
from dataclasses import dataclass
from typing import Any

from treexlite.checkpoints import _plain

FORMAT = "treexlite checkpoint"
VERSION = 1
MAX_BYTES = 100_000_000
"""The longest header that safetensors allows, and the longest manifest that we read."""

FORMS = ("jax", "numpy", "scalar", "key")


@dataclass(frozen=True)
class Entry:
    """One array in a checkpoint.

    Attributes:
        name: its path in the tree.
        dtype: of the data that are stored; `"uint32"` for a PRNG key.
        shape: of the data that are stored; of keys, the last axis is the raw key.
        form: `"jax"`, `"numpy"`, `"scalar"` (NumPy's) or `"key"` (a typed PRNG key of JAX).
        impl: of a key, the name of its implementation.
        weak: whether the dtype of a JAX array is a weak one.
        kind: the kind of field it stands in, or None.
        sharding: how it lay on several devices, for people to read, or None.
        checksums: CRC-32 of each `CHUNK` bytes, in hexadecimal.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    form: str = "jax"
    impl: str | None = None
    weak: bool = False
    kind: str | None = None
    sharding: str | None = None
    checksums: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """All that a checkpoint holds beside the bytes of its arrays.

    Attributes:
        entries: `{name: entry}`, in the order of the bytes.
        plain: plain data of the caller.
        data: the name of the file with the arrays, in a directory; None when this is that file.
        written_by: versions of what wrote it.
    """

    entries: dict[str, Entry]
    plain: dict[str, Any]
    data: str | None = None
    written_by: dict[str, str] = dataclasses.field(default_factory=dict)


class NewerVersionError(ValueError):
    """The manifest is of a version that this library does not know yet."""


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of what writes checkpoints in this process."""
    found = {"python": platform.python_version()}
    for package in ("treexlite", "jax", "jaxlib", "numpy"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # run from a source tree
            found[package] = "unknown"
    return found


def to_json(value: Any) -> str:
    """Return the one JSON text of a value."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def from_json(text: bytes | str) -> Any:
    """Parse JSON strictly: no name twice in an object, no NaN, nothing nested without end.

    Raises:
        ValueError: it is no such text.
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name}, which is no JSON")


def seal(manifest: Manifest) -> str:
    """Return the text of a manifest."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": manifest.written_by or versions(),
        "data": manifest.data,
        "arrays": [_compact(entry) for entry in manifest.entries.values()],
        "plain": _plain.encode(manifest.plain, "save"),
    }
    return to_json({"checksum": checksum(to_json(content).encode()), "manifest": content})


def _compact(entry: Entry) -> dict[str, Any]:
    """Leave out what is as it mostly is."""
    fields = dataclasses.fields(entry)
    return {
        field.name: value
        for field in fields
        if (value := getattr(entry, field.name)) != field.default
    }


def checksum(data: bytes | memoryview) -> str:
    """Return the CRC-32 of some bytes."""
    return f"{zlib.crc32(data):08x}"


def unseal(text: bytes | str) -> Manifest:
    """Return the manifest of a text.

    Raises:
        NewerVersionError: a later version of the library wrote it.
        ValueError: saying what is wrong.
    """
    sealed = from_json(text)
    if type(sealed) is not dict or set(sealed) != {"checksum", "manifest"}:
        raise ValueError("JSON that is no manifest of a checkpoint")
    content = sealed["manifest"]
    found = checksum(to_json(content).encode())
    if sealed["checksum"] != found:
        raise ValueError(f"a manifest of checksum {found} instead of {sealed['checksum']}")
    if type(content) is not dict or content.get("format") != FORMAT:
        raise ValueError("a manifest of another format")
    version = content.get("version")
    if type(version) is not int or version < 1:
        raise ValueError(f"version={version!r}")
    if version > VERSION:
        raise NewerVersionError(f"version {version}, written by {content.get('written_by')}")
    try:
        return _parsed(content)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"a manifest that is malformed ({type(error).__name__}: {error})"
        ) from None


def _parsed(content: dict[str, Any]) -> Manifest:
    entries: dict[str, Entry] = {}
    for fields in content["arrays"]:
        entry = _entry(fields)
        if entry.name in entries:
            raise ValueError(f"the array {entry.name!r} twice")
        entries[entry.name] = entry
    plain = _plain.decode(content["plain"])
    if type(plain) is not dict:
        raise ValueError("plain data that are no dict")
    data = content["data"]
    if data is not None and not is_data_file(data):
        raise ValueError(f"data in {data!r}, which is no name that we give")
    return Manifest(
        entries, plain, data, {str(k): str(v) for k, v in content["written_by"].items()}
    )


def is_data_file(name: Any) -> bool:
    """Whether `name` is one that we give to a file of arrays inside a directory."""
    if type(name) is not str:
        return False
    digits = name.removeprefix("arrays-").removesuffix(".safetensors")
    return name == f"arrays-{digits}.safetensors" and len(digits) == 16 and _is_hex(digits)


def _is_hex(text: Any) -> bool:
    return type(text) is str and set(text) <= set("0123456789abcdef")


def _entry(fields: dict[str, Any]) -> Entry:
    entry = Entry(**fields)
    problem = name_problem(entry.name)
    if problem:
        raise ValueError(f"an array named {entry.name!r}, {problem}")
    shape, sums = fields["shape"], fields.get("checksums", [])
    if type(shape) is not list or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"the array {entry.name!r} of shape {shape!r}")
    if type(sums) is not list or not all(_is_hex(s) and len(s) == 8 for s in sums):
        raise ValueError(f"the array {entry.name!r} with checksums {sums!r}")
    if entry.form not in FORMS or (entry.form == "key") != (type(entry.impl) is str):
        raise ValueError(f"the array {entry.name!r} of form {entry.form!r}, impl={entry.impl!r}")
    texts = (entry.dtype, entry.kind or "", entry.sharding or "")
    if type(fields.get("weak", False)) is not bool or any(type(text) is not str for text in texts):
        raise ValueError(f"the array {entry.name!r} with fields of other types")
    return dataclasses.replace(entry, shape=tuple(shape), checksums=tuple(sums))


def name_problem(name: Any) -> str | None:
    """Say what is wrong with the name of an array, or return None.

    Names are never used as paths of files; all the same, none may look like a way out.
    """
    if type(name) is not str or not name:
        return "which is no name"
    if name == ".":  # the array that is the whole tree
        return None
    parts = name.split("/")
    if "" in parts or "." in parts or ".." in parts:
        return "with an empty part, or one that means a directory"
    if name == "__metadata__" or "\0" in name:
        return "which safetensors reserves"
    return None
