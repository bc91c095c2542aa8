"""How data reaches the device: resident arrays, arrays on the host, streams."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training import sources
from treexlite._errors import ArgumentError, DataError
from treexlite.training import _feed
from treexlite.training._data import Arrays, Batch, shuffled
from treexlite.training._feed import ArrayFeed, Feed, StreamFeed, capacity
from treexlite.training._stream_state import Mark
from treexlite.training._streams import Stream


def data(count: int, **rest: Any) -> Arrays:
    return Arrays("fit", Batch(np.arange(count), **rest))


def visited(feed: Feed, limit: int = 1000, seed: int | None = None, skip: int = 0) -> list[Any]:
    """The examples of each batch of an epoch."""
    opened = feed.open(0, seed, skip)
    batches = []
    while (chunk := opened.take(limit)) is not None:
        assert 1 <= chunk.count <= limit
        batches += [np.asarray(batch.x).tolist() for batch in chunk.batches()]
    opened.close()
    return batches


@pytest.fixture(params=["resident", "on the host"])
def _where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "on the host":
        monkeypatch.setattr(_feed, "RESIDENT_SHARE", 0.0)


@pytest.mark.usefixtures("_where")
@pytest.mark.parametrize("limit", [1, 2, 1000])
@pytest.mark.parametrize(
    ("count", "size", "drop", "expected"),
    [
        (10, 4, False, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]),
        (10, 4, True, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (4, 2, False, [[0, 1], [2, 3]]),
        (3, 8, False, [[0, 1, 2]]),
    ],
)
def test_the_last_batch_has_what_is_left(
    count: int, size: int, drop: bool, expected: list[Any], limit: int
) -> None:
    feed = ArrayFeed(data(count), size, drop_remainder=drop)
    assert visited(feed, limit) == expected
    assert feed.num_steps == len(expected)
    assert visited(feed, limit, skip=1) == expected[1:]


@pytest.mark.usefixtures("_where")
def test_the_order_follows_from_the_seed() -> None:
    order = shuffled(3, 0, 10).tolist()
    batches = visited(ArrayFeed(data(10), 4), seed=3)
    assert [row for batch in batches for row in batch] == order
    assert visited(ArrayFeed(data(10), 4, 2), seed=3) == batches[:2]


def test_what_does_not_fit_stays_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ArrayFeed(data(10), 4).is_resident
    monkeypatch.setattr(_feed, "memory", lambda: 4 * 10 * 8)
    assert ArrayFeed(data(10), 4).is_resident
    assert not ArrayFeed(data(11), 4).is_resident


def test_the_memory_of_this_machine_is_known() -> None:
    assert _feed.memory() > 2**26


def test_more_batches_than_there_are_are_refused() -> None:
    message = (
        "expected at least 4 batches of 4 examples, received 10 examples, 3 batches, "
        "steps_per_epoch=4.*smaller `batch_size`, or leave `steps_per_epoch` out"
    )
    with pytest.raises(DataError, match=message):
        ArrayFeed(data(10), 4, 4, name="steps_per_epoch")


def test_dropping_the_only_batch_is_refused() -> None:
    with pytest.raises(DataError, match="3 examples, 0 batches, drop_remainder=True"):
        ArrayFeed(data(3), 4, drop_remainder=True)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
def test_a_batch_size_that_is_no_count_is_refused(size: Any) -> None:
    with pytest.raises(ArgumentError, match="`batch_size` to be an integer of at least 1"):
        ArrayFeed(data(3), size)


SIZES = [3, 3, 3, 2, 3]


def streamed(width: int = 1) -> StreamFeed:
    starts = np.cumsum([0, *SIZES])
    batches = [
        (np.tile(np.arange(start, start + size)[:, None], width), np.ones(size))
        for start, size in zip(starts, SIZES, strict=False)
    ]
    return StreamFeed(Stream("fit", batches))


@pytest.mark.parametrize("width", [1, 2**19])
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_a_stream_is_visited_in_its_order_whatever_the_shapes(width: int, limit: int) -> None:
    batches = visited(streamed(width), limit)
    assert [len(batch) for batch in batches] == SIZES
    assert [row[0] for batch in batches for row in batch] == list(range(14))


def test_small_batches_are_put_together() -> None:
    few = Batch(jax.ShapeDtypeStruct((4, 8), jnp.float32))
    assert capacity(few, None) == 32
    assert capacity(few, 5) == 5
    assert capacity(Batch(jax.ShapeDtypeStruct((4, 2**17), jnp.float32)), None) == 2
    assert capacity(Batch(jax.ShapeDtypeStruct((4, 2**20), jnp.float32)), None) == 1


@pytest.mark.parametrize("width", [1, 2**19])
def test_the_first_chunk_has_the_shapes_that_are_announced(width: int) -> None:
    for feed in (ArrayFeed(data(10), 4), ArrayFeed(data(3), 4), streamed(width)):
        announced = feed.first_chunk()
        chunk = feed.open(0, None).take(1)
        assert chunk is not None
        for given, real in zip(*map(jax.tree.leaves, (announced.data, chunk.data)), strict=True):
            assert (given.shape, given.dtype) == (real.shape, real.dtype)
        assert (announced.rows is None) == (chunk.rows is None)
        assert chunk.rows is None or announced.rows.shape == chunk.rows.shape


def test_the_first_batch_can_be_looked_at_before() -> None:
    feed = streamed()
    assert feed.first_batch().x[:, 0].tolist() == [0, 1, 2]
    assert len(visited(feed)) == len(SIZES)
    assert ArrayFeed(data(10), 4).first_batch().x.tolist() == [0, 1, 2, 3]


def test_an_epoch_that_was_prepared_is_the_one_that_is_asked_for() -> None:
    feed, expected = ArrayFeed(data(10), 4), ArrayFeed(data(10), 4)
    feed.prepare(1, 3)
    for epoch, seed in ((1, 3), (0, 3), (1, 4), (0, None), (0, None)):
        rows = []
        for one in (feed, expected):
            chunk = one.open(epoch, seed).take(2)
            assert chunk is not None
            rows.append(np.asarray(chunk.rows).tolist())
        assert rows[0] == rows[1]
    streamed().prepare(0, 1)


@pytest.mark.parametrize("length", [2, 2**19])
@pytest.mark.parametrize("limit", [1, 2])
def test_a_chunk_has_the_mark_behind_its_last_batch(
    length: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "LENGTH", length)
    feed = StreamFeed(Stream("fit", sources.Counting(0)))
    feed.reading.resume(None, 0, 0)
    opened, last = feed.open(0, None), 0
    while (chunk := opened.take(limit)) is not None:
        assert chunk.count == 1 or length == 2
        last = int(chunk.last().x[0])
        assert int(chunk.batches()[-1].x[0]) == last
        assert chunk.mark == Mark(last, is_end=last == 4)
    assert last == 4


@pytest.mark.usefixtures("_where")
def test_arrays_are_not_marked() -> None:
    feed = ArrayFeed(data(4), 2)
    chunk = feed.open(0, None).take(1)
    assert chunk is not None
    assert (chunk.mark, feed.reading) == (None, None)
    assert chunk.last().x.tolist() == [0, 1]
