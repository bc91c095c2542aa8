"""How many steps run in one dispatch: adapted to the clock, or fixed."""

from typing import Any

import pytest

from treexlite.training import _pace
from treexlite.training._pace import AHEAD, MOST, TARGET, Pace


class Clock:
    """A device that takes a given time for each step, and the clock beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, per_step: float) -> None:
        self.now, self.per_step, self.waited = 0.0, per_step, []
        monkeypatch.setattr(_pace.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(_pace.jax, "block_until_ready", self.wait)

    def wait(self, steps: Any) -> None:
        self.waited.append(steps)
        self.now += steps * self.per_step


def settled(monkeypatch: pytest.MonkeyPatch, per_step: float, fixed: int | None = None) -> Pace:
    Clock(monkeypatch, per_step)
    pace = Pace(fixed)
    pace.start()
    for _ in range(40):
        pace.dispatched(pace.steps, pace.steps)
    return pace


@pytest.mark.parametrize("milliseconds", [0.1, 1.0, 7.0])
def test_a_dispatch_takes_the_time_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, milliseconds: float
) -> None:
    steps = settled(monkeypatch, milliseconds / 1000).steps
    assert TARGET / 2 <= steps * milliseconds / 1000 <= TARGET


def test_long_and_short_steps_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled(monkeypatch, 1.0).steps == 1
    assert settled(monkeypatch, 1e-9).steps == MOST


def test_a_fixed_number_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled(monkeypatch, 1e-9, fixed=5).steps == 5


def test_python_does_not_run_far_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0.0)
    pace = Pace(fixed=1)
    for number in range(5):
        pace.dispatched(number, 1)
    assert clock.waited == list(range(5 - AHEAD))
    pace.start()
    pace.dispatched(5, 1)
    assert len(clock.waited) == 5 - AHEAD
