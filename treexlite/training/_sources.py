"""From what users pass as data to feeds.

In: `x`, `y` and `sample_weight` of `fit`, `evaluate` and `predict`. Out: a `Feed` for each data
set. What may mutate: the position of a stream, of which the first batch is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from treexlite._arguments import integer
from treexlite._errors import ArgumentError, describe
from treexlite.training._data import Arrays, Batch
from treexlite.training._feed import ArrayFeed, Feed, StreamFeed
from treexlite.training._mesh import DEFAULT_DEVICE, Placement
from treexlite.training._streams import Stream, is_stream


def unchanged(batch: Batch) -> Batch:
    """Return the batch."""
    return batch


@dataclass(frozen=True)
class Cut:
    """How data is cut into batches.

    Attributes:
        batch_size: of arrays; a stream has its own.
        limit: batches in an epoch; None is all.
        name: what the user calls the limit.
        drop_remainder: leave out a last batch that is smaller.
        weigh: applied to each batch, or to all arrays at once: class weights, checks.
        restarts: whether each pass begins with the first batch of a stream, if that is possible.
        placement: where training happens.
    """

    batch_size: int
    limit: int | None = None
    name: str = "steps"
    drop_remainder: bool = False
    weigh: Callable[[Batch], Batch] = unchanged
    restarts: bool = False
    placement: Placement = DEFAULT_DEVICE


def feed(where: str, data: Batch, cut: Cut) -> Feed:
    """Return a data set, ready to be gone over.

    Raises:
        ArgumentError: a stream comes with targets or weights beside it.
        DataError: arrays do not fit together, or there are too few batches.
    """
    if not is_stream(data.x):
        return _array_feed(Arrays(where, data), cut)
    integer(where, "batch_size", cut.batch_size, 1)
    limit = None if cut.limit is None else integer(where, cut.name, cut.limit, 1)
    for name, value in (("y", data.y), ("sample_weight", data.sample_weight)):
        if value is not None:
            raise ArgumentError(
                where,
                expected=f"{name}=None, because `x` is a stream of batches",
                received=f"{name}={describe(value)}",
                fix="Let the stream give (x, y) or (x, y, sample_weight).",
            )
    stream = Stream(where, data.x, limit, cut.name, cut.weigh, cut.restarts)
    return StreamFeed(stream, cut.placement)


def _array_feed(arrays: Arrays, cut: Cut) -> ArrayFeed:
    weighed = Arrays(arrays.where, cut.weigh(arrays.batch))
    return ArrayFeed(
        weighed, cut.batch_size, cut.limit, cut.drop_remainder, cut.name, cut.placement
    )


def feeds(
    where: str, data: Batch, cut: Cut, fraction: Any, validation_data: Any, validation_cut: Cut
) -> tuple[Feed, Feed | None]:
    """Return what to train on, and what to validate on.

    Raises:
        ArgumentError: both ways to choose validation data are used, a stream is to be split, or
            the validation data is no tuple.
        DataError: the data does not fit together.
    """
    if validation_data is None and fraction == 0:
        return feed(where, data, cut), None
    if validation_data is None:
        if is_stream(data.x):
            raise ArgumentError(
                where,
                expected="arrays, of which the last ones can be held out",
                received=f"validation_split={fraction!r} and a stream",
                fix="Pass `validation_data`: another stream, or arrays.",
            )
        train, held_out = Arrays(where, data).split(fraction)
        return _array_feed(train, cut), _array_feed(held_out, validation_cut)
    if fraction != 0:
        raise ArgumentError(
            where,
            expected="`validation_split` or `validation_data`, not both",
            received=f"validation_split={fraction!r} and validation_data",
            fix="Leave one of them out.",
        )
    place = f"{where}, validation_data"
    return feed(where, data, cut), feed(place, _validation(where, validation_data), validation_cut)


def _validation(where: str, data: Any) -> Batch:
    if is_stream(data):
        return Batch(data)
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ArgumentError(
            where,
            expected="`validation_data` to be (x, y), (x, y, sample_weight) or a stream of batches",
            received=f"validation_data={describe(data)}",
            fix="Pass a tuple; y is None when there are no targets.",
        )
    return Batch(*data)
