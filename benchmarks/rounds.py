"""Timing contenders in turn, so that noise hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax


class Timing(NamedTuple):
    """Microseconds of one call: the median of the rounds, and the fastest round."""

    median: float
    fastest: float


def interleaved(
    contenders: Mapping[str, Callable[[], Any]], rounds: int, calls: int
) -> dict[str, Timing]:
    """Time `calls` calls of each contender in every round, after three calls to warm up."""
    for call in contenders.values():
        for _ in range(3):
            jax.block_until_ready(call())
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            for _ in range(calls):
                out = call()
            jax.block_until_ready(out)
            times[name].append((time.perf_counter() - start) / calls * 1e6)
    return {name: Timing(statistics.median(t), min(t)) for name, t in times.items()}


def report(title: str, timings: Mapping[str, Timing]) -> None:
    """Print a table; the ratios are to the first contender."""
    base = next(iter(timings.values()))
    print(f"\n{title:46} {'median':>9} {'fastest':>9}   ratio of medians, of fastest")
    for name, timing in timings.items():
        ratios = f"{timing.median / base.median:6.2f} x  {timing.fastest / base.fastest:6.2f} x"
        print(f"  {name:44} {timing.median:9.0f} {timing.fastest:9.0f}   {ratios}")
