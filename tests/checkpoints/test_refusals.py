import errno
import os

import pytest

from treexlite._errors import CheckpointError
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
