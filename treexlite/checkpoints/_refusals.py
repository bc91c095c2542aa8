"""The errors of this room: which file, which entry, expected, received, what to do.

In: what was found. Out: a `CheckpointError` to raise. Nothing is mutated.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from treexlite._errors import CheckpointError

RESTORE = "Take another copy or an earlier checkpoint; nothing was loaded from this one."

_FIXES = {
    errno.ENOSPC: "Free some space, or save elsewhere; a checkpoint that was there is as it was.",
    errno.EDQUOT: "Free some of your quota, or save elsewhere.",
    errno.EACCES: "Ask for the permission, or choose a path of your own.",
    errno.EPERM: "Ask for the permission, or choose a path of your own.",
    errno.EROFS: "Choose a path on a file system that can be written.",
    errno.ENOENT: "Check the path; `save` writes a directory, or a file that ends in .safetensors.",
    errno.ENOTDIR: "A part of the path is a file; choose another path.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EIO: "The disk fails; save elsewhere.",
}


def damaged(
    path: str, *, expected: str, received: str, entry: str | None = None, fix: str = RESTORE
) -> CheckpointError:
    """Build the error for a file whose content cannot be trusted.

    Args:
        path: the file.
        expected: what would have been right.
        received: what is there.
        entry: the name of the array in it.
        fix: what to do.
    """
    error = CheckpointError(f"checkpoint {path}", expected=expected, received=received, fix=fix)
    error.path = entry
    error.filename = path
    return error


def refused(path: str, doing: str, error: OSError) -> CheckpointError:
    """Build the error for what the operating system refuses.

    Args:
        path: the checkpoint.
        doing: what was tried, as in "to be saved".
        error: of the system.
    """
    said = error.strerror or str(error) or type(error).__name__
    where = f" ({error.filename})" if error.filename and str(error.filename) != path else ""
    number = error.errno or 0
    built = CheckpointError(
        f"checkpoint {path}",
        expected=f"the checkpoint {doing}",
        received=f"{type(error).__name__}: {said}{where}",
        fix=_FIXES.get(number, "See what the system says; an earlier checkpoint is as it was."),
    )
    built.errno, built.filename = error.errno, path
    return built


@contextmanager
def refusals(path: str, doing: str) -> Iterator[None]:
    """Turn what the operating system refuses in the block into a `CheckpointError`."""
    try:
        yield
    except CheckpointError:
        raise
    except OSError as error:
        raise refused(path, doing, error) from error
