"""Streams: data that comes batch by batch, from whatever gives batches.

In: an iterable of batches (a generator, a `tf.data.Dataset`, a torch `DataLoader`, a grain dataset,
a Keras `Sequence`), or a function that returns an iterator. Out: for each epoch an iterator of
`Batch`es with arrays of their own: a source may fill one buffer again and again, and is read ahead;
each with the state of the source behind it, when it has one. What may mutate: the position of the
user's iterator.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from treexlite._errors import DataError
from treexlite.training._data import Arrays, Batch
from treexlite.training._digest import Trace, digest, warn_of_other_batches
from treexlite.training._host import owned
from treexlite.training._leaves import is_array_like
from treexlite.training._stream_source import Source, is_indexed
from treexlite.training._stream_state import Mark


def is_stream(x: Any) -> bool:
    """Whether `x` gives batches, instead of being a tree of arrays."""
    if x is None or is_array_like(x) or isinstance(x, (tuple, list, dict, str, bytes)):
        return False
    return callable(x) or hasattr(x, "__iter__") or is_indexed(x)


class Given(NamedTuple):
    """A batch of a stream, and where the stream is behind it; None where nobody can say that."""

    batch: Batch
    mark: Mark | None = None


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
        source: what the batches come from.
        trace: whether its epochs are alike, once `keep` was called.

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
        self._weigh, self._restarts = weigh, restarts
        self.num_steps = limit if limit is not None else _length(source)
        self.source = Source(where, source)
        self.trace = Trace()
        self._peeked: list[Any] = []
        self._current: Iterator[Any] | None = None
        self._keeps = False
        self._mark: Mark | None = None  # where the source was put, and
        self._done = 0  # how many batches of the next epoch lie before
        self._before = 0  # how many batches are to be dropped first
        self._expected: int | None = None  # the digest of the last one

    @property
    def is_cut(self) -> bool:
        """Whether each epoch begins an iteration, and leaves it before its end."""
        return self._restarts and self.limit is not None and not self.source.is_spent

    def keep(self, trace: Trace) -> None:
        """Ask where the source is behind each batch, and compare epochs, from now on."""
        self._keeps, self.trace = True, trace

    def resume(self, mark: Mark, done: int) -> None:
        """Let the next epoch go on at a mark, with `done` of its batches done.

        Raises:
            CheckpointError: the source does not take its state.
        """
        self._mark, self._done = mark, done
        if self.source.takes(mark):
            self._peeked.clear()
            self._current = None
            self._current = self.source.resume(mark)

    def drop(self, before: int, last: int | None) -> None:
        """Let the next epoch begin behind batches that are read again.

        Args:
            before: how many; without `limit`, iterations are dropped as a whole.
            last: the digest of the last one that is left out of the next epoch, these or its own;
                another one is a warning. None does not look.
        """
        self._before, self._expected = before, last

    @property
    def first(self) -> Batch:
        """The first batch that the next epoch will have; it is kept for that epoch."""
        if not self._peeked:
            if self._current is None:
                self._current = self.source.iterate()
            self._peeked = list(itertools.islice(self._current, 1))
            if not self._peeked:
                raise self._ended(0)
        return self._read(self._peeked[0])

    def epoch(self, skip: int = 0) -> Iterator[Given]:
        """Iterate over the batches of the next epoch, but for the first `skip` of them.

        They are read and dropped, unless the stream was resumed behind them.

        Raises:
            DataError: there are fewer than `limit`, or none.
        """
        mark, self._mark = self._mark, None
        if mark is not None and skip and (mark.is_end or skip == self.limit):
            self._mark, self._done = mark, 0  # nothing is left of this epoch
            return
        if mark is None and self._restarts and not self.source.is_spent and not self._peeked:
            self._current = None
        last = self._dropped()
        count = 0 if mark is None else self._done
        left = None if self.limit is None else self.limit - count
        batches = itertools.islice(self._raw(mark), left)
        for item, _ in itertools.islice(batches, skip - count):
            last, count = item, count + 1
        self._verify(last)
        for item, behind in batches:
            batch, count = self._read(item), count + 1
            if self._keeps and (self.limit is None or not self.trace.digests):
                self.trace.look(count, batch)
            yield Given(batch, behind)
        self.trace.end()
        if not count or (self.limit is not None and count < self.limit):
            raise self._ended(count)

    def _dropped(self) -> Any:
        """Read what comes before the next epoch, and return the last item of it."""
        before, self._before = self._before, 0
        if self.limit is not None:
            return self._last_of(itertools.islice(self._raw(), before))[0]
        last, missing = None, before
        while missing > 0:
            last, count = self._last_of(self._raw())
            missing = missing - count if count else 0
        return last

    def _last_of(self, batches: Iterator[tuple[Any, Any]]) -> tuple[Any, int]:
        last, count = None, 0
        for item, _ in batches:
            last, count = item, count + 1
        return last, count

    def _verify(self, last: Any) -> None:
        expected, self._expected = self._expected, None
        if expected is not None and (last is None or digest(self._read(last)) != expected):
            warn_of_other_batches(self.where)

    def _raw(self, mark: Mark | None = None) -> Iterator[tuple[Any, Any]]:
        """Give items with marks: what is left of an iteration, and more of them with a limit.

        What is left may be nothing: the last epoch ended with the iteration.
        """
        may_be_over = self._current is not None and not self._peeked
        while True:
            if self._current is None:
                self._current = self.source.iterate()
            count = 0
            for given in self._iteration(mark):
                count += 1
                yield given
            self._current = mark = None
            if may_be_over and not count:
                may_be_over = False
                continue
            if self.limit is None or not count or self.source.is_spent:
                return

    def _iteration(self, mark: Mark | None) -> Iterator[tuple[Any, Any]]:
        """Give what is left of an iteration.

        Without a limit, the last item comes when it is known to be the last, with the mark of the
        end: what comes behind it is the next epoch.
        """
        looks_ahead = self._keeps and self.limit is None and self.source.says_where
        waiting: list[tuple[Any, Any]] = []
        count = 0
        for item in self._items():
            count += 1
            waiting.append((item, self.source.mark() if self._keeps else None))
            if len(waiting) > looks_ahead:
                yield waiting.pop(0)
        if count or mark is None or not mark.is_end:  # else it was told before
            self.source.ended()
        for item, _ in waiting:
            yield item, self.source.mark(is_end=True)

    def _items(self) -> Iterator[Any]:
        while self._peeked:
            yield self._peeked.pop()
        for item in self._current or ():  # noqa: UP028  # `yield from` would close it with us
            yield item

    def _read(self, item: Any) -> Batch:
        batch = self._weigh(as_batch(self.where, item))
        arrays = Arrays(f"{self.where}, a batch of the stream", batch)
        read: Batch = jax.tree_util.tree_map(_own, arrays.batch)
        return read

    def _ended(self, count: int) -> DataError:
        if self.limit is None:
            expected, received = "at least one batch in each epoch", "none"
        else:
            expected, received = f"{self.limit} batches ({self.name}={self.limit})", f"{count}"
        fix = "Check the data"
        if self.source.is_iterator:
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
