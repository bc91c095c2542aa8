"""How a data set reaches the device: all at once, or chunk by chunk while training goes on.

What flows in: arrays in memory, or a stream. What flows out: for each epoch a `Pass`, which gives
`Chunk`s: some batches on the device, for one dispatch. What may mutate: the position in a stream.

Arrays that fit into a quarter of the memory stay on the device (`RESIDENT_SHARE`); a chunk of them
is a range of row numbers, and the compiled steps gather their batches. On a CPU that costs nothing
beside the step (20 against 29 microseconds with a gather in NumPy, for a small network on digits).
What does not fit, and streams, are read by a thread that is a few batches ahead. Small batches are
put together, so that several steps run in one dispatch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np

from treexlite._arguments import integer
from treexlite._errors import DataError
from treexlite.training._data import Arrays, Batch, in_order, on_device, shapes, shuffled
from treexlite.training._host import joined
from treexlite.training._mesh import DEFAULT_DEVICE, Placement
from treexlite.training._prefetch import Prefetcher
from treexlite.training._reading import Reading
from treexlite.training._stream_state import Mark
from treexlite.training._streams import Given, Stream, rows_of

RESIDENT_SHARE = 0.25  # of the memory of the device
STREAM_CHUNK = 32  # batches that are put together at most
STREAM_BYTES = 2**22  # and their size at most; each dispatch waits until the thread yields Python
READ_AHEAD = 2  # batches, when they are not put together


def _never() -> None:
    """Interrupt nothing."""


@dataclass(frozen=True)
class Chunk:
    """Batches for one dispatch, on the device.

    Attributes:
        data: examples.
        rows: the row numbers of the examples of each batch, (batches, batch size); None when the
            data is one batch.
        first: the first batch of the chunk, a row of `rows`.
        count: how many batches, from there.
        mark: where the stream is behind them, when it can say that.
    """

    data: Batch
    rows: Any
    first: int
    count: int
    mark: Mark | None = None

    def batches(self) -> list[Batch]:
        """Return the batches themselves."""
        return [self._batch(number) for number in range(self.count)]

    def last(self) -> Batch:
        """Return the last one of them."""
        return self._batch(self.count - 1)

    def _batch(self, number: int) -> Batch:
        if self.rows is None:
            return self.data
        rows = np.asarray(self.rows)[self.first + number]
        batch: Batch = jax.tree_util.tree_map(lambda leaf: leaf[rows], self.data)
        return batch


class Pass(Protocol):
    """One epoch over a data set."""

    def take(self, limit: int, interrupt: Callable[[], None] = _never) -> Chunk | None:
        """Return a chunk of at most `limit` batches, None at the end; `interrupt` may raise."""

    def close(self) -> None:
        """Stop reading."""


class Feed(Protocol):
    """A data set, ready to be gone over.

    Attributes:
        where: the method that names itself in errors.
        num_steps: how many batches an epoch has, None when that is unknown.
        example: the shapes of the first batch.
        checked: the batches that can be looked at before training: all examples, or the first ones.
        reading: how far it is read, for a stream; the order of arrays follows from the seed.
    """

    where: str
    num_steps: int | None
    example: Batch
    checked: Batch
    reading: Reading | None

    def open(self, epoch: int, seed: int | None, skip: int = 0) -> Pass:
        """Begin an epoch behind its first `skip` batches, shuffled when there is a seed."""

    def prepare(self, epoch: int, seed: int | None) -> None:
        """Do what can be done for an epoch while the one before it still runs."""

    def first_chunk(self) -> Chunk:
        """Return shapes of the first chunk, without reading anything for good."""

    def first_batch(self) -> Batch:
        """Return the first batch of the data, on the device."""


class ArrayFeed:
    """A data set in memory, cut into batches.

    Args:
        arrays: the data set.
        batch_size: how many examples a batch has; the last batch has what is left.
        limit: how many batches to visit at most; None visits all. `name` is the argument's name.
        drop_remainder: leave out a last batch that is smaller.
        name: what the user calls the limit.
        placement: where training happens.

    Raises:
        DataError: there are fewer batches than `limit`, or none.
    """

    def __init__(
        self,
        arrays: Arrays,
        batch_size: int,
        limit: int | None = None,
        drop_remainder: bool = False,
        name: str = "steps",
        placement: Placement = DEFAULT_DEVICE,
    ) -> None:
        where = self.where = arrays.where
        self._placement = placement
        batch_size = integer(where, "batch_size", batch_size, 1)
        limit = None if limit is None else integer(where, name, limit, 1)
        self.num_examples, self.batch_size = arrays.num_examples, batch_size
        full, rest = divmod(arrays.num_examples, batch_size)
        available = full if drop_remainder or not rest else full + 1
        num_steps = available if limit is None else limit
        self.num_steps: int | None = num_steps
        if not 0 < num_steps <= available:
            option = f", {name}={limit}" if limit is not None else ", drop_remainder=True"
            raise DataError(
                where,
                expected=f"at least {max(num_steps, 1)} batches of {batch_size} examples",
                received=f"{arrays.num_examples} examples, {available} batches{option}",
                fix=f"Pass a smaller `batch_size`, or leave `{option[2:].split('=')[0]}` out.",
            )
        self._visited = min(num_steps * batch_size, arrays.num_examples)
        self.arrays = arrays
        self.checked = arrays.batch
        self.reading: Reading | None = None
        self.example = shapes(arrays.batch, batch_size)
        self.is_resident = arrays.nbytes * placement.num_copies <= RESIDENT_SHARE * memory()
        data = on_device(arrays.batch) if self.is_resident else None
        self.data: Batch | None = placement.put(data)
        self._prepared: tuple[Any, list[jax.Array]] | None = None

    def prepare(self, epoch: int, seed: int | None) -> None:
        """Send the order of an epoch to the device; see `Feed.prepare`."""
        if self.data is not None:
            order = self._order(epoch, seed, 0)
            self._prepared = (epoch, seed), self._cut(order)

    def open(self, epoch: int, seed: int | None, skip: int = 0) -> Pass:
        """Begin an epoch; see `Feed.open`."""
        if self.data is None:
            order = self._order(epoch, seed, skip)
            batches = map(Given, rows_of(self.arrays, order, self.batch_size))
            return StreamPass(batches, self._capacity, self._placement)
        if skip:
            order = self._order(epoch, seed, skip)
            return ResidentPass(self.data, self._cut(order))
        if self._prepared is None or self._prepared[0] != (epoch, seed):
            self.prepare(epoch, seed)
        assert self._prepared is not None
        return ResidentPass(self.data, self._prepared[1])

    def _order(self, epoch: int, seed: int | None, skip: int) -> np.ndarray:
        count = self.num_examples
        order = in_order(count) if seed is None else shuffled(seed, epoch, count)
        return order[skip * self.batch_size : self._visited]

    def _cut(self, order: np.ndarray) -> list[jax.Array]:
        return [self._placement.put(part) for part in cut_rows(order, self.batch_size)]

    @property
    def _capacity(self) -> int:
        return capacity(self.example, self.num_steps)

    def first_chunk(self) -> Chunk:
        """Return shapes of the first chunk; see `Feed.first_chunk`."""
        if self.data is None:
            return chunk_shapes(self._placement.shapes(self.example), self._capacity)
        size = min(self.batch_size, self.num_examples)
        num_full = max(self._visited // size, 1)
        rows = jax.ShapeDtypeStruct((num_full, size), np.dtype(np.int32))
        data, rows = self._placement.shapes((shapes(self.data), rows))
        return Chunk(data, rows, 0, 1)

    def first_batch(self) -> Batch:
        """Return the first batch of the data."""
        return self._placement.batch(self.arrays.rows(slice(0, self.batch_size)))


def cut_rows(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Return the rows of full batches, (batches, size), and of a smaller last one."""
    num_full, rest = divmod(len(order), batch_size)
    parts = [order[: num_full * batch_size].reshape(num_full, batch_size)]
    if rest:
        parts.append(order[num_full * batch_size :].reshape(1, rest))
    return [part for part in parts if len(part)]


class ResidentPass:
    """One epoch over examples that are on the device.

    Args:
        data: the examples.
        parts: the rows to visit, see `cut_rows`.
    """

    def __init__(self, data: Batch, parts: list[jax.Array]) -> None:
        self._data = data
        self._parts = list(parts)
        self._done = 0

    def take(self, limit: int, interrupt: Callable[[], None] = _never) -> Chunk | None:
        """Return a range of rows, all of batches of one size."""
        while self._parts and self._done == len(self._parts[0]):
            self._parts.pop(0)
            self._done = 0
        if not self._parts:
            return None
        rows, first = self._parts[0], self._done
        count = min(limit, len(rows) - first)
        self._done += count
        return Chunk(self._data, rows, first, count)

    def close(self) -> None:
        """There is nothing to stop."""


class StreamFeed:
    """A stream of batches; see `Feed`.

    Attributes:
        look: called with the batches of an epoch and how many were left out; gives the batches
            again, or raises. None when there is nothing to look at.
    """

    def __init__(self, stream: Stream, placement: Placement = DEFAULT_DEVICE) -> None:
        self.where = stream.where
        self.stream, self._placement = stream, placement
        self.num_steps = stream.num_steps
        self.checked = stream.first
        self.reading: Reading | None = Reading(stream, self.checked)
        self.example = shapes(self.checked)
        self._capacity = capacity(self.example, self.num_steps)
        self.look: Callable[[Iterator[Given], int], Iterator[Given]] | None = None

    def prepare(self, epoch: int, seed: int | None) -> None:
        """Do nothing: who knows whether there will be another epoch to read for."""

    def open(self, epoch: int, seed: int | None, skip: int = 0) -> Pass:
        """Begin an epoch; a stream decides its order by itself."""
        batches = self.stream.epoch(skip)
        if self.look is not None:
            batches = self.look(batches, skip)
        return StreamPass(batches, self._capacity, self._placement)

    def first_chunk(self) -> Chunk:
        """Return shapes of the first chunk; see `Feed.first_chunk`."""
        return chunk_shapes(self._placement.shapes(self.example), self._capacity)

    def first_batch(self) -> Batch:
        """Return the first batch of the stream; it will still be trained on."""
        return self._placement.batch(self.checked)


class StreamPass:
    """One epoch over batches that a thread reads ahead.

    Args:
        batches: an iterator of batches on the host, with marks.
        capacity: how many of them are put together for one dispatch.
        placement: where training happens.
    """

    def __init__(
        self, batches: Iterator[Given], capacity: int, placement: Placement = DEFAULT_DEVICE
    ) -> None:
        self._capacity, self._placement = capacity, placement
        is_single = capacity == 1
        room = READ_AHEAD if is_single else 2 * capacity
        # Large batches travel to the device in the thread, while the device works.
        move: Callable[[Batch], Batch] = placement.give if is_single else _on_host

        def prepare(given: Given) -> Given:
            return given._replace(batch=move(given.batch))

        self._ahead = Prefetcher(batches, room, prepare, _kind)

    def take(self, limit: int, interrupt: Callable[[], None] = _never) -> Chunk | None:
        """Return the batches that are there, at least one."""
        taken: list[Given] = self._ahead.take(min(limit, self._capacity), interrupt)
        if not taken:
            return None
        group, mark = [given.batch for given in taken], taken[-1].mark
        if self._capacity == 1:
            return Chunk(group[0], None, 0, 1, mark)
        size = jax.tree_util.tree_leaves(group[0])[0].shape[0]
        rows = np.arange(self._capacity * size, dtype=np.int32).reshape(self._capacity, size)
        missing = [group[-1]] * (self._capacity - len(group))  # one program, whatever is there
        data = jax.tree_util.tree_map(lambda *parts: joined(parts), *group, *missing)
        return Chunk(self._placement.put(data), rows, 0, len(group), mark)

    def close(self) -> None:
        """Stop the thread."""
        self._ahead.close()


def _on_host(batch: Batch) -> Batch:
    moved: Batch = jax.tree_util.tree_map(np.asarray, batch)
    return moved


def _kind(given: Given) -> Any:
    leaves, treedef = jax.tree_util.tree_flatten(given.batch)
    return treedef, tuple((leaf.shape, leaf.dtype) for leaf in leaves)


def capacity(example: Batch, num_steps: int | None) -> int:
    """Return how many batches of a stream are put together: small ones only."""
    leaves = jax.tree_util.tree_leaves(example)
    size = sum(int(leaf.size) * int(leaf.dtype.itemsize) for leaf in leaves)
    return max(1, min(STREAM_CHUNK, STREAM_BYTES // max(size, 1), num_steps or STREAM_CHUNK))


def chunk_shapes(example: Batch, capacity: int) -> Chunk:
    """Return shapes of a chunk of a stream."""
    size = jax.tree_util.tree_leaves(example)[0].shape[0]

    def joined(leaf: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        shape = (capacity * leaf.shape[0], *leaf.shape[1:])
        return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=leaf.sharding)

    rows = None if capacity == 1 else jax.ShapeDtypeStruct((capacity, size), np.dtype(np.int32))
    return Chunk(jax.tree_util.tree_map(joined, example), rows, 0, 1)


def memory() -> int:
    """Return the memory of the default device in bytes: what it says, or that of the machine."""
    said = jax.devices()[0].memory_stats()
    if said and "bytes_limit" in said:
        return int(said["bytes_limit"])
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not say either
        return 2**32
