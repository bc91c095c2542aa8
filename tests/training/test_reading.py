"""Streams that go on in another process where training was, whatever was read ahead."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.training.sources import (
    ITERATORS,
    WITH_STATE,
    WITHOUT_STATE,
    Counting,
    Forgetting,
    Loader,
    Numbers,
    batch,
    endless,
    long,
    repeating,
)
from treexlite._errors import CheckpointError, CheckpointWarning
from treexlite.checkpoints import Checkpoint
from treexlite.training._feed import StreamFeed
from treexlite.training._streams import Stream

EPOCHS = 4
SEED = 2  # whose orders all differ


class Training:
    """What `fit` does with a stream, without any steps: a dispatch has up to two batches."""

    def __init__(self, source: Any, limit: int | None, saved: Any = None) -> None:
        stream = Stream("fit", source, limit)
        self.feed = StreamFeed(stream)
        self.epoch, self.done, place = saved or (0, 0, None)
        assert self.feed.reading is not None
        self.reading = self.feed.reading
        self.reading.resume(place, self.done, self.done)

    def run(self, saves: list[Any] | None = None) -> list[tuple[int, int]]:
        """Go to the end; returns (epoch, number) of each batch, and saves behind each dispatch."""
        visited = []
        for epoch in range(self.epoch, EPOCHS):
            opened = self.feed.open(epoch, None, self.done)
            while (chunk := opened.take(2)) is not None:
                visited += [(epoch, int(given.x[0])) for given in chunk.batches()]
                self.done += chunk.count
                self.reading.used(chunk, chunk.count)
                if saves is not None:
                    saves.append((len(visited), (epoch, self.done, self.reading.state_dict())))
            opened.close()
            self.done = 0
            if saves is not None:
                saves.append((len(visited), (epoch + 1, 0, self.reading.state_dict())))
        return visited


CASES = [(kind, limit) for kind in WITH_STATE + WITHOUT_STATE for limit in (None, 3, 5)]
CASES += [(kind, 3) for kind in ITERATORS]


@pytest.mark.parametrize(("kind", "limit"), CASES)
def test_a_stream_goes_on_where_training_was(kind: Any, limit: int | None, tmp_path: Path) -> None:
    saves: list[Any] = []
    whole = Training(kind(SEED), limit).run(saves)
    assert len(saves) >= 2 * EPOCHS
    tx.save(tmp_path / "saves", {}, extra=saves)
    with Checkpoint(tmp_path / "saves") as checkpoint:
        saves = checkpoint.extra
    has_state = kind in WITH_STATE or kind is long
    assert all((place["mark"] is not None) == has_state for _, (*_, place) in saves)
    for done, saved in saves[:-1]:
        assert Training(kind(SEED), limit, saved).run() == whole[done:], saved


@pytest.mark.parametrize("limit", [None, 3])
def test_the_state_alone_decides(limit: int | None) -> None:
    saves: list[Any] = []
    whole = Training(Loader(1), limit).run(saves)
    for done, saved in saves[:-1]:
        other = Loader(2)
        assert Training(other, limit, saved).run() == whole[done:]
        assert other.read == len(whole) - done + 1  # the first one shows the shapes


def test_what_is_saved_when_going_on_can_be_continued_again() -> None:
    for kind, limit in ((Loader, None), (Forgetting, None), (endless, 3)):
        saves: list[Any] = []
        whole = Training(kind(SEED), limit).run(saves)
        again: list[Any] = []
        done, saved = saves[len(saves) // 3]
        Training(kind(SEED), limit, saved).run(again)
        for more, later in again[:-1]:
            assert Training(kind(SEED), limit, later).run() == whole[done + more :]


def goes_on_everywhere(new: Any, limit: int | None) -> None:
    """Compare what is left from each save with the end of an undisturbed run."""
    saves: list[Any] = []
    whole = Training(new(), limit).run(saves)
    for done, saved in saves[:-1]:
        assert Training(new(), limit, saved).run() == whole[done:], saved


@pytest.mark.parametrize("limit", [None, 3, 4, 5])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_loaders_of_torchdata_go_on(limit: int | None, workers: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    stateful = pytest.importorskip(
        "torchdata.stateful_dataloader", reason="torchdata is not installed"
    )
    seeds = itertools.count()

    def loader() -> Any:  # the generator of the first one decides
        generator = torch.Generator().manual_seed(max(1, next(seeds)))
        return stateful.StatefulDataLoader(
            torch.arange(4), 1, shuffle=True, generator=generator, num_workers=workers
        )

    goes_on_everywhere(loader, limit)


def test_iterators_of_grain_go_on() -> None:
    grain = pytest.importorskip("grain", reason="grain is not installed")

    def dataset(repeats: int) -> Any:
        rows = grain.MapDataset.source(list(range(4))).seed(3).shuffle().repeat(repeats)
        return rows.map(lambda row: np.asarray(row)).batch(1).to_iter_dataset()

    for limit, repeats in ((None, 1), (3, 4), (4, 4), (5, 5)):
        goes_on_everywhere(lambda n=repeats: dataset(n), limit)
        if limit is not None:
            goes_on_everywhere(lambda n=repeats: iter(dataset(n)), limit)


def test_epochs_that_are_all_alike_are_not_read_again() -> None:
    opened = itertools.count()

    def batches() -> Iterator[Any]:
        next(opened)
        return map(batch, range(4))

    saves: list[Any] = []
    Training(batches, None).run(saves)
    opened = itertools.count()
    (saved,) = [saved for _, saved in saves if saved[:2] == (3, 0)]
    Training(batches, None, saved).run()
    assert next(opened) == 1


OTHER = r"fit: the stream does not give those batches again .* Give the stream `state_dict`"


@pytest.mark.parametrize("limit", [None, 3])
def test_another_order_is_told(limit: int | None) -> None:
    saves: list[Any] = []
    whole = Training(Forgetting(1), limit).run(saves)
    for done, saved in saves[:-1]:
        training = Training(Forgetting(1), limit, None)
        with pytest.warns(CheckpointWarning, match=OTHER):
            training = Training(Forgetting(3), limit, saved)
        assert len(training.run()) == len(whole) - done


def test_an_iterator_that_was_read_already_is_told() -> None:
    saves: list[Any] = []
    source = endless(1)
    Training(source, 3).run(saves)
    with pytest.warns(CheckpointWarning, match=OTHER):
        Training(source, 3, saves[3][1])


def test_a_stream_that_begins_alike_and_goes_on_otherwise_is_told() -> None:
    saves: list[Any] = []
    Training(lambda: map(batch, range(8)), 4).run(saves)
    for _, saved in saves[2:-1]:
        training = Training(lambda: map(batch, [0, *range(2, 9)]), 4, saved)
        with pytest.warns(CheckpointWarning, match=OTHER):
            training.run()


def test_a_state_for_which_the_stream_has_no_use_is_left_alone() -> None:
    saves: list[Any] = []
    whole = Training(Counting(1), None).run(saves)
    for done, saved in saves[:-1]:
        source = lambda: map(batch, range(1, 5))  # noqa: E731
        assert Training(source, None, saved).run() == whole[done:]


def test_a_state_that_does_not_fit_is_refused() -> None:
    saves: list[Any] = []
    Training(Counting(1), None).run(saves)
    message = (
        "fit: expected a stream whose `load_state_dict` takes the state that was saved, received "
        "TypeError: .* Pass the same stream"
    )
    with pytest.raises(CheckpointError, match=message) as caught:
        Training(Loader(1), None, saves[0][1])
    assert isinstance(caught.value.__cause__, TypeError)


@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize("kind", [Loader, repeating, Forgetting])
def test_another_epoch_begins_at_its_beginning(kind: Any, limit: int | None) -> None:
    saves: list[Any] = []
    Training(kind(SEED), limit).run(saves)
    saved = next(saved for _, saved in saves if saved[0] == 1 and saved[1] in (1, 2))
    training = Training(kind(SEED), limit)
    training.reading.resume(saved[2], done=saved[1], skip=0)
    training.epoch = 3
    assert len(training.run()) == (limit or 4)


def test_validation_on_the_first_batches_begins_anew() -> None:
    for source, is_cut in ((repeating(1), True), (Numbers(100), False)):
        feed = StreamFeed(Stream("fit", source, 2, restarts=True))
        assert feed.reading is not None
        feed.reading.resume(None, 0, 0)
        assert (feed.reading.state_dict() is None) == is_cut


def test_marks_are_not_asked_for_when_nobody_saves() -> None:
    class Asked(Counting):
        def state_dict(self) -> int:
            raise AssertionError

    stream = Stream("evaluate", Asked(1))
    assert [given.mark for given in stream.epoch()] == [None] * 4
    assert not stream.trace.digests
