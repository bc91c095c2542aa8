"""Named arrays and plain data, on disk: what everything else in this room is made of.

In: `{name: array}` and plain data. Out: a checkpoint at a path: a directory with a manifest and one
safetensors file, or one safetensors file with the manifest in its header when the path ends in
`.safetensors`. What mutates: the path, at once or not at all (`_disk`).

A `Snapshot` is what is to be written, taken at one moment; writing it can wait for another thread.
Bytes are written by one thread and their checksums computed by another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from treexlite._errors import ArgumentError, describe
from treexlite.checkpoints import _plain
from treexlite.checkpoints._arrays import as_bytes, copied, described, fetch_ahead
from treexlite.checkpoints._checks import Checks
from treexlite.checkpoints._disk import CHUNK, Sink, write_directory, write_file
from treexlite.checkpoints._manifest import Entry, Manifest, name_problem, seal
from treexlite.checkpoints._reader import Reader
from treexlite.checkpoints._refusals import damaged, refusals
from treexlite.checkpoints._safetensors import header, in_file_order, num_bytes

SINGLE = ".safetensors"
_PENDING = "00000000"


@dataclass(frozen=True)
class Snapshot:
    """What is to be written.

    Attributes:
        entries: one for each array, without checksums, in the order of the file.
        data: `{name: array}`.
        plain: plain data.
    """

    entries: list[Entry]
    data: dict[str, Any]
    plain: dict[str, Any]


def snapshot(
    where: str,
    arrays: Mapping[str, Any],
    plain: Mapping[str, Any],
    kinds: Mapping[str, str | None] | None = None,
    copy: bool = False,
    spread: bool = False,
) -> Snapshot:
    """Check and collect what is to be written.

    Args:
        where: the function that asks, for errors.
        arrays: `{name: array}`.
        plain: plain data; see `_plain`.
        kinds: `{name: kind of the field}`.
        copy: whether arrays may be donated or changed before they are written.
        spread: whether other processes may hold parts of them.

    Raises:
        ArgumentError: a name, an array or plain data that cannot be saved.
        CheckpointError: an array that this process cannot read.
    """
    entries, data = [], {}
    for name, value in arrays.items():
        problem = name_problem(name)
        if problem:
            raise ArgumentError(
                where,
                expected="a name for each array, parts joined by `/`",
                received=f"{name!r}, {problem}",
                fix="Rename the keys of the dict that holds it.",
            )
        entry, data[name] = described(where, name, value, (kinds or {}).get(name), spread)
        entries.append(entry)
    _plain.encode(dict(plain), where)
    if copy:
        data = {name: copied(value) for name, value in data.items()}
    return Snapshot(in_file_order(entries), data, dict(plain))


def write(
    path: str | os.PathLike[str], arrays: Mapping[str, Any], plain: Mapping[str, Any]
) -> None:
    """Write a checkpoint of named arrays and plain data.

    Args:
        path: a directory, or a file when it ends in `.safetensors`.
        arrays: `{name: array}`.
        plain: plain data.

    Raises:
        ArgumentError: a name, an array or plain data that cannot be saved.
        CheckpointError: the operating system refuses, or something else is at `path`.
    """
    shown, place = located("write", path)
    commit(shown, place, snapshot("write", arrays, plain))


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the plain data of a checkpoint, all of them checked.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    with Reader(path) as reader:
        return {name: reader.array(name) for name in reader.entries}, reader.plain


def commit(shown: str, place: str, taken: Snapshot) -> None:
    """Write a snapshot.

    Args:
        shown: the path as the user gave it, for errors.
        place: the path in full.
        taken: what to write.

    Raises:
        CheckpointError: the operating system refuses, or something else is at `place`.
    """
    with refusals(shown, "to be saved"):
        single = place.endswith(SINGLE)
        _require_room(shown, place, single)
        job = _Job(shown, taken)
        with contextlib.closing(job.checks):
            if single:
                write_file(place, job.fill_single)
            else:
                write_directory(place, job.fill_arrays, lambda data: seal(job.manifest(data)))


def located(where: str, path: Any) -> tuple[str, str]:
    """Return a path as text, and in full: another current directory makes no difference to it.

    Raises:
        ArgumentError: it is no path.
    """
    is_path = isinstance(path, (str, bytes, os.PathLike))
    if not is_path or not os.fsdecode(path) or "\0" in os.fsdecode(path):
        raise ArgumentError(
            where,
            expected="a path as the first argument",
            received=f"path={describe(path)}",
            fix=f"Call `tx.{where}(path, tree)`." if where == "save" else "Pass a path.",
        )
    shown = os.fsdecode(path)
    return shown, os.path.realpath(shown)


def _require_room(shown: str, place: str, single: bool) -> None:
    if not (os.path.isdir(place) if single else os.path.isfile(place)):
        return
    kinds = ("a file", "a directory") if single else ("a directory", "a file")
    raise damaged(
        shown,
        expected=f"{kinds[0]} to be replaced, or nothing",
        received=f"{kinds[1]} of that name",
        fix="Choose another path; one that ends in .safetensors is a file, any other a directory.",
    )


class _Job:
    """One snapshot on its way to the disk."""

    def __init__(self, shown: str, taken: Snapshot) -> None:
        self.shown, self.taken, self.checks = shown, taken, Checks()
        self.sums: dict[str, list[Callable[[], str]]] = {}

    def manifest(self, data: str | None, done: bool = True) -> Manifest:
        """Return the manifest; before the bytes are written, with checksums of the same length."""
        entries = {}
        for entry in self.taken.entries:
            chunks = -(-num_bytes(entry) // CHUNK)
            sums = [wait() for wait in self.sums[entry.name]] if done else [_PENDING] * chunks
            entries[entry.name] = dataclasses.replace(entry, checksums=tuple(sums))
        return Manifest(entries, self.taken.plain, data)

    def header(self, done: bool) -> bytes:
        """Return the header of a single file, which has the manifest in it."""
        return self.checked_header({"treexlite": seal(self.manifest(None, done))})

    def checked_header(self, metadata: dict[str, str]) -> bytes:
        """Return a header that is not too long."""
        try:
            return header(self.taken.entries, metadata)
        except ValueError as error:
            raise damaged(
                self.shown,
                expected="a header that every program reads",
                received=str(error),
                fix="Save to a directory, or keep large data in arrays rather than plain data.",
            ) from None

    def fill_single(self, sink: Sink) -> None:
        """Write a single file: room for the header, the arrays, and then the header."""
        sink.write(self.header(done=False))
        self.write_arrays(sink)
        sink.rewind()
        sink.write(self.header(done=True))

    def fill_arrays(self, sink: Sink) -> None:
        """Write the file with the arrays of a directory."""
        sink.write(self.checked_header({"format": "see the manifest beside this file"}))
        self.write_arrays(sink)

    def write_arrays(self, sink: Sink) -> None:
        """Write the bytes, while another thread computes their checksums."""
        following = iter(self.taken.entries[1:])
        for entry in self.taken.entries:
            fetch_ahead(self.taken.data.get(getattr(next(following, None), "name", "")))
            view = as_bytes(self.taken.data[entry.name])
            chunks = [view[start : start + CHUNK] for start in range(0, len(view), CHUNK)]
            self.sums[entry.name] = sums = []
            for chunk in chunks:
                sums.append(self.checks.start(chunk))
                sink.write(chunk)
