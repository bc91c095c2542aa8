"""How far a stream was read for what was used of it, to go on there in another process.

What flows in: the batches that were used, when they were. What flows out: plain data and arrays for
a checkpoint. What may mutate: the position of the stream, by `resume`.

A stream that says where it is goes on there. Another one is read again: the batches of the present
epoch, when each epoch is one iteration and all began alike; else all batches since the first one.
Digests tell whether it gives the same ones again; when it does not, that is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from treexlite.training._data import Batch
from treexlite.training._digest import Trace, digest, warn_of_other_batches
from treexlite.training._stream_state import Mark
from treexlite.training._streams import Stream

if TYPE_CHECKING:
    from treexlite.training._feed import Chunk


class Reading:
    """What was used of a stream.

    Args:
        stream: the stream, whose first batch was looked at.
        first: that batch.
    """

    def __init__(self, stream: Stream, first: Batch) -> None:
        self._stream, self._first = stream, first
        self._count = 0
        self._mark: Mark | None = None
        self._last: Chunk | int | None = None

    def used(self, chunk: Chunk, count: int) -> None:
        """Take note of `count` batches that were used, the last of which stand in `chunk`."""
        self._count += count
        self._mark = chunk.mark
        self._last = chunk

    def state_dict(self) -> dict[str, Any] | None:
        """Return where the stream is behind what was used; None when each epoch begins anew."""
        if self._stream.is_cut:
            return None
        last = self._last
        if last is not None and not isinstance(last, int):
            last = self._last = digest(last.last())
        return {
            "count": self._count,
            "mark": None if self._mark is None else self._mark._asdict(),
            "last": last,
            "digests": list(self._stream.trace.digests),
            "repeats": self._stream.trace.repeats,
        }

    def resume(self, saved: dict[str, Any] | None, done: int, skip: int) -> None:
        """Keep what `state_dict` needs from now on, and go on where another stream was.

        Args:
            saved: what its `state_dict` returned; None begins with the first batch.
            done: how many batches of its epoch were done.
            skip: how many of them the next epoch leaves out: these, or none in another epoch.

        Raises:
            CheckpointError: the stream does not take its state.
        """
        if saved is None:
            self._stream.keep(Trace())
            return
        is_first = saved["count"] == done
        self._stream.keep(Trace(saved["digests"], saved["repeats"], is_first))
        self._count, self._last = saved["count"], saved["last"]
        mark = saved["mark"] and Mark(**saved["mark"])
        if mark is None or not self._stream.source.says_where:
            self._read_again(done, skip, is_first)
        elif mark.is_end or done == skip or self._stream.limit is not None:
            self._mark = mark
            self._stream.resume(mark, skip)

    def _read_again(self, done: int, skip: int, is_first: bool) -> None:
        stream, last = self._stream, self._last
        assert last is None or isinstance(last, int)
        if not self._count:
            return
        if [digest(self._first)] != stream.trace.digests[:1]:
            warn_of_other_batches(stream.where)
        elif stream.limit is None and (stream.trace.repeats or is_first):
            stream.drop(0, last if skip else None)
            if not is_first:
                stream.trace.rely(stream.where)
        elif stream.limit is None and done != skip:  # the rest of that epoch was never used
            stream.drop(self._count, None)
        else:
            stream.drop(self._count - skip, last)
