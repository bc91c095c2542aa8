import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from treexlite._errors import CheckpointError
from treexlite.checkpoints._format import write
from treexlite.checkpoints._refusals import damaged, refusals


def test_a_damaged_file_is_named_with_its_entry() -> None:
    error = damaged("a/b", expected="a checksum", received="another", entry="w/0")
    assert str(error).startswith("checkpoint a/b at w/0: expected a checksum, received another. ")
    assert (error.filename, error.errno) == ("a/b", None)


@pytest.mark.parametrize(
    ("number", "fix"), [(errno.ENOSPC, "Free some space"), (errno.ELOOP, "See what the system")]
)
def test_what_the_system_refuses_is_told_with_a_fix(number: int, fix: str) -> None:
    with pytest.raises(CheckpointError, match=fix) as caught, refusals("a", "to be saved"):
        raise OSError(number, os.strerror(number), "a/part")
    assert os.strerror(number) in caught.value.received
    assert "(a/part)" in caught.value.received
    assert (caught.value.errno, caught.value.filename) == (number, "a")
    assert isinstance(caught.value.__cause__, OSError)


def test_our_own_errors_pass() -> None:
    error = damaged("a", expected="x", received="y")
    with pytest.raises(CheckpointError) as caught, refusals("b", "to be read"):
        raise error
    assert caught.value is error


FULL = """
import os, sys
import numpy as np
from treexlite._errors import CheckpointError
from treexlite.checkpoints._format import read, write

folder = sys.argv[1]


def refused(path, size):
    try:
        write(path, {"w": np.ones(size)}, {})
    except CheckpointError as error:
        return os.strerror(error.errno)


for name in ("x", "x.safetensors"):
    path = os.path.join(folder, name)
    write(path, {"w": np.zeros(1000)}, {})
    print(refused(path, 200_000), read(path)[0]["w"].sum(), len(os.listdir(folder)))
"""


def test_a_disk_that_is_full_keeps_the_old_checkpoint(tmp_path: Path) -> None:
    """On a file system of one megabyte, which nobody else sees and which ends with the program."""
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("a small file system cannot be mounted here")
    run = subprocess.run(
        [*inside, sys.executable, "-c", FULL, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    kept = "No space left on device 0.0"
    assert run.stdout.splitlines() == [f"{kept} 1", f"{kept} 2"], run.stderr


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Run the block without the rights of root, to whom nothing is forbidden."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has other permissions")
def test_a_folder_of_others_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others altogether
        os.chmod(folder, 0o555)
        with as_nobody(), pytest.raises(CheckpointError, match="Ask for the permission"):
            write(Path(folder) / "x", {}, {})
        assert os.listdir(folder) == []
        os.chmod(folder, 0o755)
