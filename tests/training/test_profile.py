"""Where the time went."""

import pytest

from treexlite.training import _profile
from treexlite.training._profile import WAITS, Profile


def test_spans_inside_a_span_count_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(_profile.time, "perf_counter", lambda: now[0])
    profile = Profile()
    with profile.span("validation"):
        now[0] += 1
        with profile.span("device"):
            now[0] += 2
        now[0] += 4
        with profile.span("device"):
            now[0] += 8
    now[0] += 16
    profile.stop()
    now[0] += 100
    assert profile.seconds["validation"] == 5
    assert profile.seconds["device"] == 10
    assert profile.total == 31
    profile.steps = 3
    report = profile.report("eagerly")
    assert "31.000 s for 3 steps, eagerly" in report
    assert all(name in report for name in (*WAITS, "rest"))
    assert "51.6 %" in report  # the rest: 16 of 31
