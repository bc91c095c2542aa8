"""Digests of batches: whether a stream gives the same ones again.

In: batches, on the host or on the device. Out: a number that is equal for equal batches. What may
mutate: what a `Trace` knows.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import CheckpointWarning
from treexlite.training._data import Batch


def digest(batch: Batch) -> int:
    """Return a checksum of the shapes, dtypes and bits that the device gets."""
    total = 0
    for leaf in jax.tree_util.tree_leaves(batch):
        array = _as_numpy(leaf)
        total = zlib.crc32(f"{array.shape} {array.dtype}".encode(), total)
        total = zlib.crc32(array.tobytes(), total)
    return total


class Trace:
    """Whether the epochs of a stream are alike, as far as a few batches of each can tell.

    Args:
        digests: those of the batches number 1, 2, 4, 8, ... of the first epoch.
        repeats: whether all epochs have the same ones; None before the second one is over.
        is_first: whether the first epoch is not over.
    """

    def __init__(
        self,
        digests: Iterable[int] = (),
        repeats: bool | None = None,
        is_first: bool = True,
    ) -> None:
        self.digests, self.repeats, self.is_first = list(digests), repeats, is_first
        self._relying: str | None = None

    def rely(self, where: str) -> None:
        """Warn when it turns out later that the epochs are not alike."""
        self._relying = where

    def look(self, number: int, batch: Batch) -> None:
        """Take note of a batch of an epoch, the first of which has the number 1."""
        if number & (number - 1):
            return
        place, found = number.bit_length() - 1, digest(batch)
        if not self.is_first:
            if self.digests[place : place + 1] != [found]:
                self.repeats = False
                if self._relying is not None:
                    warn_of_other_batches(self._relying)
                    self._relying = None
        elif place == len(self.digests):
            self.digests.append(found)

    def end(self) -> None:
        """Take note of the end of an epoch."""
        if not self.is_first and self.repeats is None:
            self.repeats = True
        self.is_first = False


def _as_numpy(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    array = np.asarray(leaf)
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)


def warn_of_other_batches(where: str) -> None:
    """Say that a training goes on with other data than one that was never interrupted."""
    warnings.warn(
        f"{where}: the stream does not give those batches again that were trained on before the"
        " checkpoint, and cannot say where it is; the training goes on, with other data than one"
        " that was never interrupted. Give the stream `state_dict` and `load_state_dict` (or"
        " `get_state` and `set_state`), as torchdata's `StatefulDataLoader` and grain's iterators"
        " have; or let it begin, in each run, with the same batches in the same order.",
        CheckpointWarning,
        stacklevel=3,
    )
