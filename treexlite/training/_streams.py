"""Streams: data that comes batch by batch, from whatever gives batches.

In: an iterable of batches (a generator, a `tf.data.Dataset`, a torch `DataLoader`, a grain dataset,
a Keras `Sequence`), or a function that returns an iterator. Out: for each epoch an iterator of
`Batch`es with arrays of their own: a source may fill one buffer again and again, and is read ahead.
What may mutate: the position of the user's iterator.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from treexlite._errors import ArgumentError, DataError, describe
from treexlite.training._data import Arrays, Batch
from treexlite.training._host import owned
from treexlite.training._leaves import is_array_like


def is_stream(x: Any) -> bool:
    """Whether `x` gives batches, instead of being a tree of arrays."""
    if x is None or is_array_like(x) or isinstance(x, (tuple, list, dict, str, bytes)):
        return False
    return callable(x) or hasattr(x, "__iter__") or _is_indexed(x)


def _is_indexed(x: Any) -> bool:
    return hasattr(x, "__len__") and hasattr(x, "__getitem__")


class Stream:
    """Batches from an iterable, epoch after epoch.

    With `limit`, an epoch has that many batches, and the next epoch goes on behind them; a source
    that can be iterated again starts over when it ends. Without, an epoch is one iteration. At the
    end of an iteration the source's own `on_epoch_end` is called, as Keras does with a `PyDataset`
    that shuffles itself there.

    Args:
        where: the method that names itself in errors.
        source: the iterable, or a function that returns an iterator.
        limit: how many batches an epoch has; None is all that the source has.
        name: what the user calls the limit.
        weigh: applied to each batch, for class weights.
        restarts: begin each epoch with the first batch, if the source can be iterated again.

    Attributes:
        num_steps: how many batches an epoch has; None when that is unknown.

    Raises:
        ArgumentError: the source gives no batches.
        DataError: it has none, or ends before an epoch does.
    """

    def __init__(
        self,
        where: str,
        source: Any,
        limit: int | None = None,
        name: str = "steps",
        weigh: Callable[[Batch], Batch] = lambda batch: batch,
        restarts: bool = False,
    ) -> None:
        self.where, self.limit, self.name = where, limit, name
        self._source, self._weigh, self._restarts = source, weigh, restarts
        self.num_steps = limit if limit is not None else _length(source)
        self._peeked: list[Any] = []
        self._current: Iterator[Any] | None = None
        self._is_spent = False

    @property
    def first(self) -> Batch:
        """The first batch that the next epoch will have; it is kept for that epoch."""
        if not self._peeked:
            if self._current is None:
                self._current = self._iterate()
            self._peeked = list(itertools.islice(self._current, 1))
            if not self._peeked:
                raise self._ended(0)
        return self._read(self._peeked[0])

    def epoch(self, skip: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of the next epoch, but for the first `skip` of them.

        Raises:
            DataError: there are fewer than `limit`, or none.
        """
        if self._restarts and not self._is_spent and not self._peeked:
            self._current = None
        batches = self._raw() if self.limit is None else itertools.islice(self._raw(), self.limit)
        count = 0
        for item in batches:
            count += 1
            if count > skip:
                yield self._read(item)
        if not count or (self.limit is not None and count < self.limit):
            raise self._ended(count)

    def _raw(self) -> Iterator[Any]:
        while True:
            if self._current is None:
                self._current = self._iterate()
            count = 0
            while self._peeked:
                count += 1
                yield self._peeked.pop()
            for item in self._current:
                count += 1
                yield item
            self._current = None
            if callable(end := getattr(self._source, "on_epoch_end", None)):
                end()
            if self.limit is None or not count or self._is_spent:
                return

    def _iterate(self) -> Iterator[Any]:
        source: Any = self._source
        if callable(source) and not hasattr(source, "__iter__"):
            source = source()
        if not hasattr(source, "__iter__") and not _is_indexed(source):
            raise ArgumentError(
                self.where,
                expected="`x` to be arrays, an iterable of batches, or a function that returns one",
                received=f"x={describe(source)}",
                fix="Pass for example a generator of (x, y), or a function that starts one.",
            )
        if not hasattr(source, "__iter__"):
            self._refuse_examples(source)
            return (source[index] for index in range(len(source)))
        iterator: Iterator[Any] = iter(source)
        self._is_spent = iterator is self._source
        return iterator

    def _refuse_examples(self, source: Any) -> None:
        """Refuse a torch `Dataset`, which gives single examples by number.

        Raises:
            ArgumentError: it is one.
        """
        if any(base.__module__.startswith("torch.utils.data") for base in type(source).__mro__):
            raise ArgumentError(
                self.where,
                expected="`x` to give batches",
                received=f"x={describe(source)}, a torch `Dataset`, which gives single examples",
                fix="Wrap it: `torch.utils.data.DataLoader(dataset, batch_size=32)`.",
            )

    def _read(self, item: Any) -> Batch:
        batch = self._weigh(as_batch(self.where, item))
        arrays = Arrays(f"{self.where}, a batch of the stream", batch)
        read: Batch = jax.tree_util.tree_map(_own, arrays.batch)
        return read

    def _ended(self, count: int) -> DataError:
        is_generator = self._is_spent or isinstance(self._source, Iterator)
        if self.limit is None:
            expected, received = "at least one batch in each epoch", "none"
        else:
            expected, received = f"{self.limit} batches ({self.name}={self.limit})", f"{count}"
        fix = "Check the data"
        if is_generator:
            fix = (
                "An iterator gives its batches once: pass an iterable that starts again, or a "
                "function that returns a new iterator"
            )
        fix += "." if self.limit is None else f", or pass a smaller `{self.name}`."
        return DataError(self.where, expected=expected, received=received, fix=fix)


def _length(source: Any) -> int | None:
    """How many batches a source says that it has."""
    try:
        return len(source)
    except TypeError:  # it has no length, or (a `tf.data.Dataset`) no known one
        return None


def _own(leaf: Any) -> Any:
    """Return a copy of an array that the source may write its next batch into."""
    return owned(leaf) if isinstance(leaf, np.ndarray) else leaf


def as_batch(where: str, item: Any) -> Batch:
    """Return what a stream gave as a batch: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    A list means a tuple, as torch's `DataLoader` makes it.

    Raises:
        DataError: it has more parts.
    """
    if isinstance(item, Batch):
        return item
    if not isinstance(item, (tuple, list)):
        return Batch(item)
    if not 1 <= len(item) <= 3:
        raise DataError(
            where,
            expected="batches that are x, (x, y) or (x, y, sample_weight)",
            received=f"a {type(item).__name__} of {len(item)}",
            fix="Put several inputs into a tuple or dict of their own: ((first, second), y).",
        )
    return Batch(*item)


def rows_of(arrays: Arrays, order: Any, batch_size: int) -> Iterable[Batch]:
    """Give the batches of a data set that stays on the host."""
    for start in range(0, len(order), batch_size):
        yield arrays.rows(order[start : start + batch_size])
