"""From what users pass to feeds: arrays and streams, to train on and to validate on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError
from treexlite.training._data import Batch
from treexlite.training._feed import ArrayFeed, StreamFeed
from treexlite.training._sources import Cut, feed, feeds


def data(count: int, **rest: Any) -> Batch:
    return Batch(np.arange(count), **rest)


def both(batch: Batch, fraction: Any = 0.0, given: Any = None) -> tuple[Any, Any]:
    return feeds("fit", batch, Cut(2), fraction, given, Cut(3))


def stream() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(3):
        yield np.arange(2) + start, np.ones(2)


def test_arrays_and_streams_become_feeds() -> None:
    assert isinstance(feed("fit", data(4), Cut(2)), ArrayFeed)
    assert isinstance(feed("fit", Batch(stream()), Cut(2)), StreamFeed)


def test_validation_is_cut_by_itself() -> None:
    train, held_out = both(data(10), 0.3)
    assert (train.num_examples, train.num_steps) == (7, 4)
    assert (held_out.num_examples, held_out.num_steps) == (3, 1)
    assert both(data(10))[1] is None


def test_validation_data_may_have_weights_or_be_a_stream() -> None:
    _, held_out = both(data(2), 0.0, (np.ones(3), None, np.zeros(3)))
    assert held_out.checked.sample_weight.tolist() == [0, 0, 0]
    assert isinstance(both(data(2), 0.0, stream())[1], StreamFeed)


def test_weights_of_classes_are_for_training_alone() -> None:
    cut = Cut(2, weigh=lambda batch: batch._replace(sample_weight=batch.x * 2.0))
    train, held_out = feeds("fit", data(4), cut, 0.5, None, Cut(2))
    assert train.checked.sample_weight.tolist() == [0, 2]
    assert held_out is not None
    assert held_out.checked.sample_weight is None


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_a_stream_brings_its_own_targets(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"fit: expected {name}=None, because `x` is a stream"):
        feed("fit", Batch(stream(), **{name: np.ones(2)}), Cut(2))


def test_a_stream_cannot_be_split() -> None:
    with pytest.raises(ArgumentError, match="expected arrays, of which the last ones"):
        both(Batch(stream()), 0.5)


def test_two_kinds_of_validation_data_are_refused() -> None:
    message = "`validation_split` or `validation_data`, not both, received validation_split=0.5"
    with pytest.raises(ArgumentError, match=message):
        both(data(4), 0.5, (np.ones(2), np.ones(2)))


@pytest.mark.parametrize("given", [np.ones(3), (np.ones(3),), (1, 2, 3, 4), "data"])
def test_validation_data_that_is_no_pair_is_refused(given: Any) -> None:
    message = r"`validation_data` to be \(x, y\), \(x, y, sample_weight\) or a stream"
    with pytest.raises(ArgumentError, match=message):
        both(data(4), 0.0, given)


def test_validation_data_names_itself() -> None:
    with pytest.raises(DataError, match=r"fit, validation_data: .* len\(x\)=3, len\(y\)=2"):
        both(data(4), 0.0, (np.ones(3), np.ones(2)))
