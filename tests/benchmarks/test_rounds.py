"""`benchmarks/rounds.py`: who is timed when, and what the ratios mean."""

import pytest

from tests.benchmarks.scripts import load

rounds = load("rounds")


def test_contenders_take_turns_and_every_other_round_goes_backwards() -> None:
    order: list[str] = []
    contenders = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    rounds.interleaved(contenders, rounds=2, calls=1)
    warm_up, timed = order[:6], order[6:]
    assert warm_up == ["a"] * 3 + ["b"] * 3
    assert timed[::2] == ["a", "b", "b", "a"]  # one call before the clock starts, one timed
    assert timed[1::2] == ["a", "b", "b", "a"]


def test_a_ratio_is_taken_within_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    lasts = iter([1.0, 2.0, 40.0, 10.0, 100.0, 200.0])  # rounds: (a, b), (b, a), (a, b)
    monkeypatch.setattr(rounds, "_microseconds", lambda *_: next(lasts))
    timings = rounds.interleaved({"a": int, "b": int}, rounds=3, calls=1)
    assert timings["a"] == (10.0, 1.0, 1.0)
    assert timings["b"] == (40.0, 2.0, 2.0)  # 2/1, 40/10, 200/100


def test_times_are_microseconds_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def work(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setitem(rounds.CLOCKS, "cpu", lambda: now[0])
    contenders = {"little": lambda: work(1e-6), "much": lambda: work(3e-6)}
    timings = rounds.interleaved(contenders, rounds=2, calls=10, clock="cpu")
    assert timings["little"] == pytest.approx((1, 1, 1))
    assert timings["much"] == pytest.approx((3, 3, 3))
