"""An error is raised when a running function returns."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from treexlite._core._raise_at_return import can_raise_at_return, raise_at_return


def frames(count: int) -> list[FrameType]:
    """The running functions above the caller."""
    found, frame = [], sys._getframe(2)
    for _ in range(count):
        found.append(frame)
        assert frame.f_back is not None
        frame = frame.f_back
    return found


class Dropped:
    """Has an error raised when it dies."""

    def __init__(self, ready: Any = lambda: True, count: int = 2) -> None:
        self.ready, self.count = ready, count

    def __del__(self) -> None:
        raise_at_return(frames(self.count - 1), self.ready, KeyError("lost"))


def drop(*args: Any) -> str:
    Dropped(*args)
    return sys.intern("returned")


def outer(*args: Any) -> str:
    return drop(*args)


@pytest.fixture(autouse=True)
def untraced() -> Any:
    if not can_raise_at_return():
        pytest.skip("something traces this thread")
    yield
    assert sys.gettrace() is None


def test_the_call_raises_and_nothing_stays_behind() -> None:
    with pytest.raises(KeyError, match="lost"):
        drop()
    assert sys.gettrace() is None
    with pytest.raises(KeyError, match="lost"):
        outer(lambda: True, 3)


def test_it_waits_until_it_may() -> None:
    asked = []

    def ready() -> bool:
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(KeyError):
        outer(ready, 3)
    assert len(asked) >= 2


def test_nothing_happens_when_no_function_is_left() -> None:
    assert outer(lambda: False, 3) == "returned"
    assert sys.gettrace() is None


def test_an_error_of_the_function_itself_wins() -> None:
    def fail() -> None:
        Dropped()
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()


def test_an_error_that_the_function_handles_does_not_count() -> None:
    def recover() -> int:
        Dropped()
        try:
            raise ValueError("mine")
        except ValueError:
            return 1

    with pytest.raises(KeyError, match="lost"):
        recover()


def test_nobody_who_traces_already_is_disturbed() -> None:
    sys.settrace(lambda *_: None)
    try:
        assert not can_raise_at_return()
    finally:
        sys.settrace(None)
    assert can_raise_at_return()
