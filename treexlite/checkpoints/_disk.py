"""Files that appear whole or not at all.

In: a path, and functions that give the bytes. Out: the file or directory at that path, complete and
flushed to the disk; or an error, and whatever was there before. What mutates: the path itself, and
temporary names beside it.

The last step of each write is one rename, which a file system does at once. A single file, and a
directory that is new, is written under a temporary name beside its place and renamed. A directory
that exists gets a second file of arrays, and then a new manifest in place of the old one: the
manifest says which arrays count. Everything is flushed before that rename, and the rename after it,
so a crash at any instant leaves the old state or the new one.

What a crash leaves under temporary names is removed when the next write to the same path begins, so
that it takes no room from it. A lock of the operating system, which ends with the process, tells
such remains from work in progress.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from treexlite.checkpoints._manifest import MAX_BYTES, is_data_file, unseal
from treexlite.checkpoints._refusals import damaged

_locks: Any = None
with contextlib.suppress(ImportError):  # on Windows, where remains are kept
    import fcntl as _locks

MANIFEST = "treexlite.json"
CHUNK = 64 * 2**20
"""How many bytes are written, read and checked at a time."""


class Sink:
    """A new file that is being written.

    Args:
        path: of the file; it must not exist.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self.path = path
        self._descriptor = os.open(path, flags, 0o666)

    def write(self, data: bytes | memoryview) -> None:
        """Append some bytes; one call of the system may take only a part of them."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view[:CHUNK]) :]

    def rewind(self) -> None:
        """Go back to the beginning."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)

    def sync(self) -> None:
        """Wait until the bytes are on the disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


Fill = Callable[[Sink], None]


def write_file(path: str, fill: Fill) -> None:
    """Write one file.

    Args:
        path: where it will be; a file that is there is replaced.
        fill: writes the bytes.
    """
    folder, name = os.path.split(path)
    with _turn(path):
        _make_parents(path)
        _remove_remains(folder, name)
        temporary = os.path.join(folder, _temporary(name))
        try:
            _write(temporary, fill)
            os.replace(temporary, path)
        except BaseException:
            _remove(temporary)
            raise
        _sync_folder(folder)


def write_directory(path: str, fill: Fill, manifest: Callable[[str], str]) -> None:
    """Write a directory with arrays and a manifest.

    Args:
        path: where it will be; a checkpoint that is there is replaced.
        fill: writes the bytes of the arrays.
        manifest: from the name of the file with the arrays to the text of the manifest; called
            after `fill`.

    Raises:
        CheckpointError: there is a directory with something else in it, or another process is
            writing to it.
    """
    data = f"arrays-{secrets.token_hex(8)}.safetensors"
    with _turn(path):
        if os.path.isdir(path) and os.listdir(path):
            _require_ours(path)
            _renew(path, data, fill, manifest)
        else:
            _create(path, data, fill, manifest)


def _create(path: str, data: str, fill: Fill, manifest: Callable[[str], str]) -> None:
    _make_parents(path)
    folder, name = os.path.split(path)
    _remove_remains(folder, name)
    temporary = os.path.join(folder, _temporary(name))
    os.mkdir(temporary)
    try:
        with _locked(temporary):
            _write(os.path.join(temporary, data), fill)
            text = manifest(data).encode()
            _write(os.path.join(temporary, MANIFEST), lambda sink: sink.write(text))
            _sync_folder(temporary)
            os.rename(temporary, path)
    except BaseException:
        _remove(temporary)
        raise
    _sync_folder(folder)


def _renew(path: str, data: str, fill: Fill, manifest: Callable[[str], str]) -> None:
    new_data = os.path.join(path, data)
    temporary = os.path.join(path, _temporary(MANIFEST))
    with _locked(path):
        _sweep(path, _data_of(path))
        try:
            _write(new_data, fill)
            text = manifest(data).encode()
            _write(temporary, lambda sink: sink.write(text))
            _sync_folder(path)
            os.replace(temporary, os.path.join(path, MANIFEST))
        except BaseException:
            _remove(temporary)
            _remove(new_data)
            raise
        _sync_folder(path)
        _sweep(path, data)


def _data_of(path: str) -> str | None:
    """Return the name of the arrays that count in a directory, or None when it is damaged."""
    try:
        with open(os.path.join(path, MANIFEST), "rb") as file:
            return unseal(file.read(MAX_BYTES)).data
    except (OSError, ValueError):
        return None


def _sweep(path: str, data: str | None) -> None:
    """Remove all files of ours but the manifest and the arrays that count; keep all if unsure."""
    for name in os.listdir(path) if data else ():
        if (is_data_file(name) and name != data) or _is_temporary(name, MANIFEST):
            _remove(os.path.join(path, name))


def _write(path: str, fill: Fill) -> None:
    sink = Sink(path)
    try:
        with _locked(path):
            fill(sink)
            sink.sync()
    finally:
        sink.close()


def _require_ours(path: str) -> None:
    if not os.path.exists(os.path.join(path, MANIFEST)):
        some = ", ".join(sorted(os.listdir(path))[:3])
        raise damaged(
            path,
            expected="a checkpoint to be replaced, an empty directory, or nothing",
            received=f"a directory with {some} in it",
            fix="Choose another path, or remove the directory yourself.",
        )


class _Turn:
    """Whose turn it is to write to a path, among the threads of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


_turns: weakref.WeakValueDictionary[str, _Turn] = weakref.WeakValueDictionary()
_turns_lock = threading.Lock()


@contextlib.contextmanager
def _turn(path: str) -> Iterator[None]:
    with _turns_lock:
        turn = _turns.setdefault(path, _Turn())
    with turn.lock:
        yield


def _temporary(name: str) -> str:
    return f".{name}.{secrets.token_hex(8)}.tmp"


def _is_temporary(name: str, of: str) -> bool:
    return re.fullmatch(rf"\.{re.escape(of)}\.[0-9a-f]{{16}}\.tmp", name) is not None


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold the lock of a file or directory, where the file system has locks."""
    if _locks is None:
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            _locks.flock(descriptor, _locks.LOCK_EX | _locks.LOCK_NB)
        except BlockingIOError:
            raise damaged(
                path,
                expected="one process to write at a time",
                received="the lock of another one",
                fix="Wait for it, or choose a path for each process.",
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


def _remove_remains(folder: str, name: str) -> None:
    """Remove what earlier writes to the same path left when they were killed."""
    for found in os.listdir(folder or "."):
        if _is_temporary(found, name):
            path = os.path.join(folder, found)
            with contextlib.suppress(OSError):
                if _is_abandoned(path):
                    _remove(path)


def _is_abandoned(path: str) -> bool:
    if _locks is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _locks.flock(descriptor, _locks.LOCK_EX | _locks.LOCK_NB)
    finally:
        os.close(descriptor)
    return True


def _remove(path: str) -> None:
    """Remove a file or directory of ours; that it stays is no reason to fail."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def _make_parents(path: str) -> None:
    """Make the directories above a path, each of them lasting."""
    folder = os.path.dirname(path)
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        _sync_folder(os.path.dirname(folder))


def _sync_folder(folder: str) -> None:
    """Wait until the names in a directory are on the disk."""
    if os.name == "nt":  # which cannot open directories
        return
    descriptor = os.open(folder or ".", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that does it itself
            raise
    finally:
        os.close(descriptor)
