"""The package that only an extra installs, and its errors as ours.

In: the name of the function that needs it. Out: `orbax.checkpoint`; and a `CheckpointError` in
place of whatever it raises. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from treexlite._errors import CheckpointError
from treexlite.checkpoints._refusals import damaged, refusals

NAME = "orbax"


def package(where: str) -> Any:
    """Return the module `orbax.checkpoint`.

    Args:
        where: the function that needs it.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import orbax.checkpoint
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != NAME:
            raise
        raise ImportError(
            f"treexlite.interop.orbax.{where}: expected the package orbax-checkpoint to be"
            f" installed, received {type(error).__name__}: {error}. Install it:"
            " `pip install 'treexlite[orbax]'`."
        ) from error
    return orbax.checkpoint


@contextmanager
def failures(path: str, doing: str) -> Iterator[None]:
    """Turn what Orbax raises in the block into a `CheckpointError`: it has no class for it."""
    try:
        with refusals(path, doing):
            yield
    except CheckpointError:
        raise
    except Exception as error:  # damaged files give errors of nearly every class
        said = str(error).strip() or "no reason"
        raise damaged(
            path,
            expected=f"the checkpoint {doing} by Orbax",
            received=f"{type(error).__name__}: {said.splitlines()[0]}",
        ) from error
