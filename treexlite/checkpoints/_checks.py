"""Checksums computed beside the reading and writing of large arrays.

In: pieces of memory. Out: for each its checksum, or a function that waits for it. Nothing is
mutated.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from treexlite.checkpoints._disk import CHUNK
from treexlite.checkpoints._manifest import checksum

_LARGE = 2**18
"""Bytes from which another thread is worth its while."""


def checksums(data: memoryview) -> tuple[str, ...]:
    """Return the checksums of the bytes of an array: one for each `CHUNK` of them."""
    return tuple([checksum(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)])


class Checks:
    """Computes checksums, those of large pieces in a thread of its own."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None

    def start(self, data: memoryview) -> Callable[[], str]:
        """Begin with the checksum of `data`, which must not change until it is there."""
        if len(data) < _LARGE:
            found = checksum(data)
            return lambda: found
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        return self._thread.submit(checksum, data).result

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
