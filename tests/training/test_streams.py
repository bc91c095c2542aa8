"""Streams: what gives batches, how epochs follow each other, what ends too early."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError
from treexlite.training._data import Arrays, Batch
from treexlite.training._streams import Stream, as_batch, is_stream, rows_of


def numbered(count: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for number in range(start, start + count):
        yield np.full(2, number), np.zeros(2)


class Again:
    """Starts anew with each iteration, and says how long it is."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        return numbered(self.count)

    def __len__(self) -> int:
        return self.count


class Indexed:
    """As Keras's `Sequence`: a length, and batches by number."""

    def __init__(self, count: int = 3) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return np.full(2, index), np.zeros(2)


def epoch(stream: Stream, skip: int = 0) -> list[int]:
    return [int(given.batch.x[0]) for given in stream.epoch(skip)]


def test_what_is_a_stream() -> None:
    streams = [iter([]), numbered(2), Again(2), Indexed(), lambda: numbered(2), itertools.count()]
    assert all(map(is_stream, streams))
    assert not any(map(is_stream, [None, np.ones(2), (1, 2), [1], {"x": 1}, "data", b"data"]))


@pytest.mark.parametrize("source", [Again(3), Indexed(), lambda: numbered(3)])
def test_an_epoch_is_one_iteration(source: Any) -> None:
    stream = Stream("fit", source)
    assert [epoch(stream), epoch(stream), epoch(stream, skip=2)] == [[0, 1, 2], [0, 1, 2], [2]]


def test_the_length_is_asked_for() -> None:
    assert Stream("fit", Again(3)).num_steps == 3
    assert Stream("fit", Indexed()).num_steps == 3
    assert Stream("fit", numbered(3)).num_steps is None
    assert Stream("fit", Again(3), 7).num_steps == 7


def test_with_a_limit_epochs_follow_each_other() -> None:
    stream = Stream("fit", itertools.chain(numbered(5), numbered(2, 5)), 3)
    assert [epoch(stream), epoch(stream)] == [[0, 1, 2], [3, 4, 5]]


def test_what_can_start_again_does_when_it_ends() -> None:
    stream = Stream("fit", Again(2), 3)
    assert [epoch(stream), epoch(stream)] == [[0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize("source", [Again(4), Indexed(4), lambda: numbered(4)])
@pytest.mark.parametrize("limit", [2, 4])
def test_an_epoch_may_end_where_an_iteration_does(source: Any, limit: int) -> None:
    stream = Stream("fit", source, limit)
    read = [number for _ in range(5) for number in epoch(stream)]
    assert read == [number % 4 for number in range(5 * limit)]


def test_looking_at_the_first_batch_takes_nothing_away() -> None:
    for source in (numbered(3), Again(3)):
        stream = Stream("fit", source)
        assert int(stream.first.x[0]) == int(stream.first.x[0]) == 0
        assert epoch(stream) == [0, 1, 2]


def test_no_more_is_read_than_is_needed() -> None:
    source = numbered(10)
    stream = Stream("fit", source, 3)
    assert stream.first.x.tolist() == [0, 0]
    assert epoch(stream) + epoch(stream) == list(range(6))
    assert int(next(source)[0][0]) == 6


def test_an_iterator_that_ends_early_is_an_error() -> None:
    stream = Stream("fit", numbered(4), 3, "steps_per_epoch")
    assert epoch(stream) == [0, 1, 2]
    message = (
        r"fit: expected 3 batches \(steps_per_epoch=3\), received 1. An iterator gives its batches "
        "once: pass an iterable that starts again, or a function that returns a new iterator"
    )
    with pytest.raises(DataError, match=message):
        epoch(stream)


def test_an_iterator_has_one_epoch() -> None:
    stream = Stream("fit", numbered(2))
    assert epoch(stream) == [0, 1]
    with pytest.raises(DataError, match=r"at least one batch in each epoch, received none\. An it"):
        epoch(stream)


@pytest.mark.parametrize("source", [iter([]), Again(0)])
def test_an_empty_stream_is_refused_at_once(source: Any) -> None:
    with pytest.raises(DataError, match="at least one batch in each epoch, received none"):
        _ = Stream("fit", source).first


def test_an_empty_one_with_a_limit_does_not_turn_forever() -> None:
    with pytest.raises(DataError, match=r"2 batches \(steps=2\), received 0. Check the data"):
        epoch(Stream("fit", Again(0), 2))


def test_a_function_has_to_return_batches() -> None:
    with pytest.raises(ArgumentError, match="`x` to be arrays, an iterable of batches, or a func"):
        _ = Stream("fit", lambda: 3).first


def test_each_batch_is_checked() -> None:
    with pytest.raises(DataError, match=r"fit, a batch of the stream: .*len\(x\)=2, len\(y\)=3"):
        epoch(Stream("fit", [(np.ones(2), np.ones(3))]))


def test_weights_of_classes_come_in() -> None:
    stream = Stream("fit", Again(1), weigh=lambda batch: batch._replace(sample_weight=batch.x + 5))
    assert stream.first.sample_weight.tolist() == [5, 5]


def test_forms_of_batches() -> None:
    x, y, w = np.ones(2), np.zeros(2), np.ones(2)
    assert as_batch("fit", x) == Batch(x)
    assert as_batch("fit", {"a": x}) == Batch({"a": x})
    assert as_batch("fit", (x,)) == Batch(x)
    assert as_batch("fit", [x, y]) == Batch(x, y)
    assert as_batch("fit", (x, y, w)) == Batch(x, y, w)
    assert as_batch("fit", Batch(x, None, w)) == Batch(x, None, w)


@pytest.mark.parametrize("item", [(), (1, 2, 3, 4)])
def test_batches_of_other_forms_are_refused(item: Any) -> None:
    with pytest.raises(DataError, match=r"batches that are x, \(x, y\) or \(x, y, sample_weight\)"):
        as_batch("fit", item)


def test_rows_of_a_data_set_on_the_host() -> None:
    arrays = Arrays("fit", Batch(np.arange(5)))
    batches = rows_of(arrays, np.array([4, 0, 2]), 2)
    assert [batch.x.tolist() for batch in batches] == [[4, 0], [2]]


def test_a_source_may_fill_one_buffer_again_and_again() -> None:
    def refilled() -> Iterator[Any]:
        buffer = np.zeros(2)
        for number in range(4):
            buffer[:] = number
            yield buffer, {"target": buffer}

    batches = [given.batch for given in Stream("fit", refilled).epoch()]
    assert [int(batch.x[0]) for batch in batches] == [0, 1, 2, 3]
    assert [int(batch.y["target"][1]) for batch in batches] == [0, 1, 2, 3]


def test_a_source_is_told_that_an_epoch_ends() -> None:
    class Shuffling(Indexed):
        ended = 0

        def __getitem__(self, index: int) -> Any:
            return np.full(2, 10 * self.ended + index), np.zeros(2)

        def on_epoch_end(self) -> None:
            self.ended += 1

    stream = Stream("fit", Shuffling())
    assert [epoch(stream), epoch(stream)] == [[0, 1, 2], [10, 11, 12]]
    stream = Stream("fit", Shuffling(), limit=2)
    assert [epoch(stream), epoch(stream)] == [[0, 1], [2, 10]]


@pytest.mark.parametrize("source", [lambda: Again(5), Indexed, lambda: lambda: numbered(5)])
def test_a_stream_may_restart_before_its_end(source: Any) -> None:
    stream = Stream("fit", source(), limit=2, restarts=True)
    assert int(stream.first.x[0]) == 0
    assert [epoch(stream), epoch(stream)] == [[0, 1], [0, 1]]


def test_an_iterator_cannot_restart() -> None:
    stream = Stream("fit", numbered(5), limit=2, restarts=True)
    assert [epoch(stream), epoch(stream)] == [[0, 1], [2, 3]]


def test_a_dataset_of_single_examples_is_refused() -> None:
    dataset = type("TensorDataset", (Indexed,), {"__module__": "torch.utils.data.dataset"})()
    with pytest.raises(ArgumentError, match=r"fit: expected `x` to give batches.*DataLoader\("):
        Stream("fit", dataset).first  # noqa: B018
