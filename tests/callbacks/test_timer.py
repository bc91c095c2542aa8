"""Seconds, by a clock that the test moves."""

import datetime
from typing import Any

import pytest

from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import LambdaCallback, Timer, _timer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a callback that lets 1.5 seconds pass with every step."""
    now = [100.0]
    monkeypatch.setattr(_timer.time, "perf_counter", lambda: now[0])

    def tick(batch: int, logs: Any) -> None:
        now[0] += 1.5

    return LambdaCallback(on_train_batch_end=tick)


def test_epochs_and_the_total_are_measured(clock: Any) -> None:
    timer = Timer()
    line().fit(*DATA, 8, 2, 0, callbacks=[clock, timer])
    assert timer.epochs == [7.5, 7.5]
    assert timer.total == 15.0


def test_the_limit_stops_inside_of_an_epoch(clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    trainer = line()
    trainer.fit(*DATA, 8, 9, 0, callbacks=[clock, Timer(limit=10.0, verbose=1)])
    assert int(trainer.state.step) == 8  # noticed when the step after the limit was sent
    assert capsys.readouterr().out == "Training took 12.0 s, stopped by the limit of 10 s\n"


def test_a_limit_that_is_not_reached_stops_nothing(
    clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    timer = Timer(datetime.timedelta(minutes=1), verbose=1)
    trainer = line()
    trainer.fit(*DATA, 8, 2, 0, callbacks=[clock, timer])
    assert int(trainer.state.step) == 10
    assert timer.limit == 60.0
    assert capsys.readouterr().out == "Training took 15.0 s\n"


def test_what_came_before_counts(clock: Any) -> None:
    timer = Timer(limit=10.0)
    load = LambdaCallback(on_train_begin=lambda logs: timer.load_state_dict(state))
    state = {"epochs": [7.5], "total": 7.5}
    trainer = line()
    trainer.fit(*DATA, 8, 9, 0, callbacks=[clock, timer, load])
    assert int(trainer.state.step) == 3
    assert timer.total == 12.0
    assert timer.state_dict() == {"epochs": [7.5, 4.5], "total": 12.0}


@pytest.mark.parametrize("limit", [0, -1.0, "1h"])
def test_the_limit_is_checked(limit: Any) -> None:
    with pytest.raises(ArgumentError, match="Timer: expected `limit` to be a number above 0, rece"):
        Timer(limit)
