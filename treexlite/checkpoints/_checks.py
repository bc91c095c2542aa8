"""Checksums computed beside the reading and writing of large arrays.

In: pieces of memory. Out: for each its checksum, or a function that waits for it. Nothing is
mutated.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from treexlite.checkpoints._disk import CHUNK
from treexlite.checkpoints._manifest import checksum

_LARGE = 2**18
"""Bytes from which another thread is worth its while."""

READERS = min(4, os.cpu_count() or 1)
"""Threads that check what is read: one of them is slower than the reading."""


def checksums(data: memoryview) -> tuple[str, ...]:
    """Return the checksums of the bytes of an array: one for each `CHUNK` of them."""
    return tuple([checksum(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)])


class Checks:
    """Computes checksums, those of large pieces in threads of its own.

    Args:
        threads: how many.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def start(self, data: memoryview) -> Callable[[], str]:
        """Begin with the checksum of `data`, which must not change until it is there."""
        if len(data) < _LARGE:
            found = checksum(data)
            return lambda: found
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads)
        return self._pool.submit(checksum, data).result

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
