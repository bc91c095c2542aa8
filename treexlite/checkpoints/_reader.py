"""An open checkpoint: its manifest at once, its arrays when they are asked for.

In: a path. Out: a `Reader`, which holds the file open, so that what it reads is one checkpoint even
while another one takes its place. Nothing is mutated. Everything about the file that can be wrong
is a `CheckpointError` that names the file, and the entry where there is one.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Any

import numpy as np

from treexlite.checkpoints import _arrays
from treexlite.checkpoints._checks import READERS, Checks, checksums
from treexlite.checkpoints._disk import CHUNK, MANIFEST
from treexlite.checkpoints._manifest import (
    MAX_BYTES,
    Entry,
    Manifest,
    NewerVersionError,
    unseal,
)
from treexlite.checkpoints._refusals import damaged, refusals
from treexlite.checkpoints._safetensors import num_bytes, places, read_header

_TRIES = 10
_ALIGNMENT = 64

AS_SAVED = object()
"""In place of a leaf: the array as it was saved."""


class Reader:
    """An open checkpoint.

    Args:
        path: a directory or a file that `save` wrote.

    Raises:
        CheckpointError: there is none, or its manifest and header do not agree.

    Attributes:
        path: as it was given.
        manifest: what the checkpoint holds.
        checking: whether checksums are compared of what is read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        if "\0" in os.fsdecode(path):
            raise damaged(repr(path), expected="a path", received="one with a NUL character in it")
        self._map: mmap.mmap | None = None
        self._checks = Checks(READERS)
        self.checking = True
        self._running: list[tuple[Entry, int, Callable[[], str]]] = []
        with refusals(self.path, "to be read"):
            self._file, self.manifest = _opened(self.path)
            try:
                self._places = self._located()
            except BaseException:
                self._file.close()
                raise

    def _located(self) -> dict[str, Any]:
        with suspicion(self.data_file, "a header that agrees with the manifest"):
            found, start = read_header(self._file)
            entries = list(self.manifest.entries.values())
            for entry in entries:
                if len(entry.checksums) != -(-num_bytes(entry) // CHUNK):
                    raise ValueError(f"{len(entry.checksums)} checksums for {entry.name!r}")
            end = os.fstat(self._file.fileno()).st_size
            return dict(places(found, entries, start, end))

    @property
    def data_file(self) -> str:
        """The path of the file with the arrays."""
        return str(self._file.name)

    @property
    def entries(self) -> dict[str, Entry]:
        """`{name: entry}` of every array."""
        return self.manifest.entries

    @property
    def plain(self) -> dict[str, Any]:
        """The plain data."""
        return self.manifest.plain

    def array(self, name: str) -> Any:
        """Return an array as it was saved.

        Raises:
            CheckpointError: its bytes are not those that were saved.
        """
        value = self.begin(name)
        self.finish()
        return value

    def begin(self, name: str, old: Any = AS_SAVED) -> Any:
        """Read an array whose check goes on in other threads: trust it after `finish`.

        Args:
            name: of the array.
            old: the leaf that gives it form, dtype and devices; without it, it is as it was saved.

        Raises:
            CheckpointError: there are no such bytes.
        """
        self._require_open()
        entry, place = self.entries[name], self._places[name]
        buffer = _aligned(place.size)
        with refusals(self.path, "to be read"):
            self._file.seek(place.start)
            for start in range(0, place.size, CHUNK):
                chunk = memoryview(buffer)[start : start + CHUNK]
                self._fill(chunk, name)
                if self.checking:
                    self._running.append((entry, start // CHUNK, self._checks.start(chunk)))
        with suspicion(self.data_file, "an array that JAX knows", name):
            data = _arrays.from_bytes(entry, buffer)
            if old is AS_SAVED:
                return _arrays.restored(entry, data)
            return _arrays.restored_like(entry, data, old)

    def finish(self) -> None:
        """Wait for the checks of everything that was begun.

        Raises:
            CheckpointError: naming the first array whose bytes are not those that were saved.
        """
        running, self._running = self._running, []
        for entry, chunk, wait in running:
            self._compare(entry, entry.checksums[chunk : chunk + 1], (wait(),))

    def _require_open(self) -> None:
        if self._file.closed:
            raise damaged(
                self.path,
                expected="an open checkpoint",
                received="one that was closed",
                fix="Read inside of the `with` block.",
            )

    def _fill(self, chunk: memoryview, name: str) -> None:
        while chunk:
            read = self._file.readinto(chunk)
            if not read:
                raise damaged(
                    self.data_file,
                    expected=f"{len(chunk):,} bytes more",
                    received="the end, as if the file had been cut since it was opened",
                    entry=name,
                )
            chunk = chunk[read:]

    def _compare(self, entry: Entry, expected: tuple[str, ...], found: tuple[str, ...]) -> None:
        if expected != found:
            raise damaged(
                self.data_file,
                expected=f"bytes with the checksum {' '.join(expected)}",
                received=f"bytes with {' '.join(found)}",
                entry=entry.name,
            )

    def _viewed(self, entry: Entry, data: Any) -> np.ndarray[Any, Any]:
        with suspicion(self.data_file, "values of its dtype", entry.name):
            return _arrays.from_bytes(entry, data)

    def mapped(self, name: str, verify: bool) -> np.ndarray[Any, Any]:
        """Return a read-only array whose memory is the file itself, read where it is touched.

        Args:
            name: of the array.
            verify: whether to check it, which touches all of it.

        Raises:
            CheckpointError: its bytes are not those that were saved.
        """
        self._require_open()
        entry, place = self.entries[name], self._places[name]
        with refusals(self.path, "to be mapped into memory"):
            if self._map is None:
                self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(self._map)[place.start : place.start + place.size]
        if verify:
            self._compare(entry, entry.checksums, checksums(view))
        return self._viewed(entry, view)

    def close(self) -> None:
        """Close the file. Arrays that are mapped into memory stay valid."""
        self._checks.close()
        self._file.close()
        self._map = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _aligned(size: int) -> Any:
    """Return new memory, aligned so that JAX can use it on a CPU as it is."""
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size]


@contextmanager
def suspicion(path: str, expected: str, entry: str | None = None) -> Iterator[None]:
    """Turn the `ValueError` of a parser in the block into a `CheckpointError`."""
    try:
        yield
    except NewerVersionError as error:
        raise damaged(
            path,
            expected="a checkpoint of a version that this treexlite knows",
            received=str(error),
            fix="Load it with the version that wrote it, or a later one.",
        ) from None
    except (ValueError, OverflowError, MemoryError, RecursionError) as error:
        received = str(error) or type(error).__name__
        raise damaged(path, expected=expected, received=received, entry=entry) from None


def _opened(path: str) -> tuple[FileIO, Manifest]:
    """Open the file with the arrays, and read the manifest that goes with it."""
    if not os.path.isdir(path):
        return _opened_single(path)
    place = os.path.join(path, MANIFEST)
    for _ in range(_TRIES):
        text = _text(path, place)
        with suspicion(place, "the manifest of a checkpoint"):
            manifest = unseal(text)
            if manifest.data is None:
                raise ValueError("one that belongs into a single file")
        try:
            return _regular(os.path.join(path, manifest.data)), manifest
        except FileNotFoundError:
            if _text(path, place) == text:  # else a new checkpoint took its place meanwhile
                break
    raise damaged(
        path,
        expected=f"the file {manifest.data}, of which the manifest speaks",
        received="no such file",
    )


def _text(path: str, place: str) -> bytes:
    try:
        with _regular(place) as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        some = ", ".join(sorted(os.listdir(path))[:3])
        raise damaged(
            path,
            expected=f"a checkpoint, with {MANIFEST} in it",
            received=f"a directory with {some} in it" if some else "an empty directory",
            fix="Check the path; a directory of checkpoints is none itself.",
        ) from None
    if len(text) > MAX_BYTES:
        raise damaged(place, expected=f"at most {MAX_BYTES:,} bytes", received="more")
    return text


def _opened_single(path: str) -> tuple[FileIO, Manifest]:
    file = _regular(path)
    try:
        with suspicion(path, "a safetensors file"):
            found, _ = read_header(file)
            metadata = found.get("__metadata__")
        text = metadata.get("treexlite") if type(metadata) is dict else None
        if type(text) is not str:
            raise damaged(
                path,
                expected="a checkpoint that `tx.save` wrote",
                received="a safetensors file without its manifest",
                fix="Read the files of other programs with `safetensors.numpy.load_file`.",
            )
        with suspicion(path, "the manifest of a checkpoint"):
            manifest = unseal(text)
            if manifest.data is not None:
                raise ValueError("one that belongs into a directory")
    except BaseException:
        file.close()
        raise
    return file, manifest


def _regular(path: str) -> FileIO:
    """Open a file, and nothing that would wait for a reader or never end."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise damaged(
            path,
            expected="a file",
            received=f"something else ({stat.filemode(mode)})",
            fix="Check the path.",
        )
    return open(path, "rb", buffering=0)  # arrays go right where they belong
