"""What is on the disk is the old state or the new one, whenever a process dies."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.budget import ALL_LAWS
from treexlite._errors import CheckpointError
from treexlite.checkpoints import _disk
from treexlite.checkpoints._disk import MANIFEST, write_directory, write_file
from treexlite.checkpoints._format import read, write

STEPS = ("open", "write", "lseek", "fsync", "close", "replace", "rename", "mkdir", "unlink")
BUSY = "one process to write at a time"


def save_file(path: Path, text: str) -> None:
    write_file(str(path), lambda sink: sink.write(text.encode()))


def save_directory(path: Path, text: str) -> None:
    write_directory(str(path), lambda sink: sink.write(text.encode()), lambda data: data + text)


def file_state(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def directory_state(path: Path) -> str | None:
    """What a reader finds: the manifest, and the arrays that it names."""
    if not path.exists():
        return None
    said = (path / MANIFEST).read_text()
    data, text = said[: -len("new")], said[-len("new") :]
    assert (path / data).read_text() == text
    return text


SAVES: list[tuple[Callable[[Path, str], None], Callable[[Path], str | None]]] = [
    (save_file, file_state),
    (save_directory, directory_state),
]
both = pytest.mark.parametrize(("save", "state"), SAVES, ids=["file", "directory"])


@both
def test_the_new_takes_the_place_of_the_old_and_nothing_else_stays(
    save: Any, state: Any, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "er" / "x"
    for text in ("one", "two"):
        save(path, text)
        assert state(path) == text
        assert os.listdir(path.parent) == ["x"]
        assert path.is_file() or len(os.listdir(path)) == 2


@both
@pytest.mark.parametrize(("before", "number"), [(None, errno.EIO), ("old", errno.ENOSPC)])
def test_a_step_that_the_system_refuses_leaves_the_old_or_the_new(
    save: Any,
    state: Any,
    before: str | None,
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    for count in range(100):
        path = tmp_path / str(count) / "x"
        if before:
            save(path, before)
        path.parent.mkdir(exist_ok=True)
        with monkeypatch.context() as patch:
            steps = failing(patch, count, OSError(number, os.strerror(number)))
            try:
                save(path, "new")
            except OSError:
                assert state(path) in (before, "new")
                assert not [name for name in os.listdir(path.parent) if name != "x"]
                seen.append(state(path))
            else:
                assert state(path) == "new"
        if len(steps) <= count:  # there was no such step any more
            break
        save(path, "wow")  # and what is left is no obstacle
        assert state(path) == "wow"
        assert path.is_file() or len(os.listdir(path)) == 2
    assert seen.count(before) >= 5
    assert "new" in seen


def failing(patch: pytest.MonkeyPatch, at: int, error: BaseException) -> list[str]:
    """Make the step number `at` of the system fail; return the list in which steps are noted."""
    steps: list[str] = []

    def wrapped(name: str, real: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            steps.append(name)
            if len(steps) == at + 1 and name != "close":
                raise error
            return real(*args, **kwargs)

        return step

    for name in STEPS:
        patch.setattr(os, name, wrapped(name, getattr(os, name)))
    return steps


@both
def test_everything_is_flushed_before_the_rename_and_the_rename_after_it(
    save: Any, state: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir()
    for _ in range(2):  # a new one, and one in the place of another
        with monkeypatch.context() as patch:
            steps = failing(patch, -2, OSError())
            save(tmp_path / "x" / "y", "new")
        (at,) = [n for n, step in enumerate(steps) if step in ("replace", "rename")]
        assert "fsync" not in steps[at + 2 :] or "fsync" in steps[at : at + 4]
        assert steps[at + 1 : at + 4].count("fsync") == 1
        written = [n for n, step in enumerate(steps) if step == "write"]
        flushed = [n for n, step in enumerate(steps) if step == "fsync"]
        assert all(any(n < f < at for f in flushed) for n in written)


KILL = """
import os, signal, sys
from treexlite.checkpoints import _format
import numpy as np

folder = sys.argv[1]
STEPS = {steps!r}


def arrays(value):
    return {{"w": np.full(3000, value), "b": np.full((2, 2), value)}}


def content(path):
    if not os.path.exists(path):
        return None
    arrays, plain = _format.read(path)
    assert (arrays["w"] == plain["value"]).all() and (arrays["b"] == plain["value"]).all()
    return plain["value"]


def killed_at(path, count):
    done = 0
    def wrapped(real):
        def step(*args, **kwargs):
            nonlocal done
            done += 1
            if done > count:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        return step
    for name in STEPS:
        setattr(os, name, wrapped(getattr(os, name)))
    _format.write(path, arrays(2), {{"value": 2}})


seen = []
for number, suffix in enumerate(("", ".safetensors")):
    for before in (None, 1):
        for count in range(number % {stride}, 200, {stride}):
            path = os.path.join(folder, f"x{{count}}{{before}}{{suffix}}", "c" + suffix)
            if before:
                _format.write(path, arrays(1), {{"value": 1}})
            child = os.fork()
            if not child:
                killed_at(path, count)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            found = content(path)
            assert found in (before, 2), found
            seen.append(found)
            _format.write(path, arrays(3), {{"value": 3}})
            assert content(path) == 3
            assert os.listdir(os.path.dirname(path)) == ["c" + suffix]
            assert suffix or len(os.listdir(path)) == 2
            if status == 0:
                break
        else:
            raise AssertionError("never done")
print(len(seen), {{value: seen.count(value) > 0 for value in (None, 1, 2)}})
"""


def test_a_process_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    program = KILL.format(steps=STEPS, stride=1 if ALL_LAWS else 3)
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "ignore"}
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode == 0, run.stderr
    assert "{None: True, 1: True, 2: True}" in run.stdout


def test_a_directory_with_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"a directory with notes\.txt in it"):
        save_directory(tmp_path, "new")
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("name", ["x", "x.safetensors"])
def test_remains_are_removed_before_the_next_write_takes_room(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    write(path, {"w": np.zeros(1)}, {})
    inside = path if path.is_dir() else tmp_path
    whole = len(os.listdir(inside))
    of = MANIFEST if path.is_dir() else name
    (inside / f".{of}.{'0' * 16}.tmp").write_text("left by a crash")
    if path.is_dir():
        (inside / f"arrays-{'0' * 16}.safetensors").write_text("left by a crash")
    with monkeypatch.context() as patch:
        patch.setattr(
            _disk.Sink, "write", lambda sink, data: (_ for _ in ()).throw(OSError(28, ""))
        )
        with pytest.raises(CheckpointError, match="to be saved"):
            write(path, {"w": np.ones(1)}, {})
    assert len(os.listdir(inside)) == whole
    assert read(path)[0]["w"] == 0


def test_nothing_is_removed_beside_a_damaged_manifest_before_there_is_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    write(path, {"w": np.zeros(1)}, {})
    (path / MANIFEST).write_text("damaged")
    before = set(os.listdir(path))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "")))
        with pytest.raises(CheckpointError, match="to be saved"):
            write(path, {"w": np.ones(1)}, {})
    assert set(os.listdir(path)) == before
    write(path, {"w": np.ones(1)}, {})
    assert read(path)[0]["w"] == 1
    assert len(os.listdir(path)) == 2


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    save_directory(tmp_path / "x", "new")
    assert directory_state(tmp_path / "x") == "new"


@pytest.fixture
def other_writer(tmp_path: Path) -> Iterator[Path]:
    """A checkpoint to which somebody else is writing."""
    path = tmp_path / "x"
    save_directory(path, "old")
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield path
    os.close(descriptor)


def test_two_processes_do_not_write_to_one_directory(other_writer: Path) -> None:
    with pytest.raises(CheckpointError, match=BUSY):
        save_directory(other_writer, "new")
    assert directory_state(other_writer) == "old"


def test_work_in_progress_is_no_remains(tmp_path: Path) -> None:
    busy, left = (tmp_path / f".x.{digit * 16}.tmp" for digit in "0a")
    other = tmp_path / f".x.y.{'0' * 16}.tmp"
    for path in (busy, left, other):
        path.write_text("")
    descriptor = os.open(busy, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    save_file(tmp_path / "x", "new")
    os.close(descriptor)
    assert set(os.listdir(tmp_path)) == {"x", busy.name, other.name}


@both
def test_without_locks_it_works_too(
    save: Any, state: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    save(tmp_path / "x", "one")
    (tmp_path / f".x.{'0' * 16}.tmp").write_text("perhaps in progress")
    save(tmp_path / "x", "two")
    monkeypatch.setattr(_disk, "_locks", None)
    save(tmp_path / "x", "new")
    assert state(tmp_path / "x") == "new"
    assert len(os.listdir(tmp_path)) == 2


def test_threads_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "x"
    threads = [threading.Thread(target=save_directory, args=(path, f"{n:03}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert int(str(directory_state(path))) in range(8)
    assert len(os.listdir(path)) == 2


def test_a_file_system_that_flushes_directories_itself_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "no such thing")

    monkeypatch.setattr(os, "fsync", refuse)
    _disk._sync_folder(str(tmp_path))
    monkeypatch.setattr(os, "name", "nt")
    _disk._sync_folder("where there is nothing")
