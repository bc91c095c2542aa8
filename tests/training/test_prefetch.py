"""The thread that reads ahead: order, back-pressure, errors, the end."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from treexlite.training import _prefetch
from treexlite.training._prefetch import Prefetcher


def ahead(batches: Iterator[Any], room: int = 2, kind: Any = lambda batch: None) -> Prefetcher:
    return Prefetcher(batches, room, lambda batch: batch * 10, kind)


def taken(prefetcher: Prefetcher, limit: int) -> list[Any]:
    groups: list[Any] = []
    while group := prefetcher.take(limit):
        assert len(group) <= limit
        groups += group
    return groups


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("room", [1, 2, 100])
def test_all_batches_come_in_their_order(limit: int, room: int) -> None:
    assert taken(ahead(iter(range(20)), room), limit) == [10 * n for n in range(20)]


def test_a_group_has_batches_of_one_kind() -> None:
    reader = ahead(iter([1, 1, 2, 2, 1]), 100, kind=lambda batch: batch)
    reader._thread.join()
    groups = []
    while group := reader.take(100):
        groups.append(group)
    assert groups == [[10, 10], [20, 20], [10]]


def test_it_waits_when_it_is_far_enough_ahead() -> None:
    read: list[int] = []
    third, fourth = threading.Event(), threading.Event()

    def batches() -> Iterator[int]:
        for number in range(10):
            read.append(number)
            if number == 2:
                third.set()
            if number == 3:
                fourth.set()
            yield number

    reader = ahead(batches(), room=2)
    assert not third.wait(0.05)
    assert read == [0, 1]
    assert reader.take(1) == [0]
    assert third.wait(5)
    assert not fourth.wait(0.05)
    reader.close()
    assert not reader._thread.is_alive()


def test_an_error_comes_where_its_batch_would() -> None:
    def batches() -> Iterator[int]:
        yield 1
        raise ValueError("in the generator")

    reader = ahead(batches())
    assert reader.take(5) == [10]
    with pytest.raises(ValueError, match="in the generator"):
        reader.take(5)
    assert reader.take(5) == []


def test_what_is_set_for_the_caller_holds_in_the_thread() -> None:
    setting: ContextVar[int] = ContextVar("setting", default=0)
    token = setting.set(7)
    reader = ahead(setting.get() for _ in range(1))
    setting.reset(token)
    assert reader.take(1) == [70]


def test_waiting_can_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def hanging() -> Iterator[int]:
        released.wait()
        yield 1

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_prefetch, "LOOK_EVERY", 0.0)
    released = threading.Event()
    reader = ahead(hanging())
    with pytest.raises(KeyboardInterrupt):
        reader.take(1, interrupt)
    released.set()
    assert reader.take(1) == [10]
