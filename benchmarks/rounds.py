"""Timing contenders in turn, so that noise hits all alike.

On a busy machine a median over minutes says little, but two calls a few milliseconds apart share
their luck. So rounds are short and many, and a ratio is the median over the rounds of the ratio
within one round. The other way out is to count the processor time of this process, which other
processes hardly touch (`clock="cpu"`); it includes the threads that do the arithmetic.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax


class Timing(NamedTuple):
    """One contender: microseconds of a call, and how that compares with the first contender.

    Attributes:
        median: over the rounds.
        fastest: the best round.
        ratio: the median over the rounds of the ratio within a round.
    """

    median: float
    fastest: float
    ratio: float


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def interleaved(
    contenders: Mapping[str, Callable[[], Any]], rounds: int, calls: int, clock: str = "wall"
) -> dict[str, Timing]:
    """Time `calls` calls of each contender in every round, after three calls to warm up.

    Every other round goes backwards, so that nobody always follows the same rival.
    """
    for call in contenders.values():
        for _ in range(3):
            jax.block_until_ready(call())
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in reversed(contenders) if number % 2 else contenders:
            times[name].append(_microseconds(contenders[name], calls, CLOCKS[clock]))
    base = next(iter(times.values()))
    return {
        name: Timing(
            statistics.median(found),
            min(found),
            statistics.median(one / other for one, other in zip(found, base, strict=True)),
        )
        for name, found in times.items()
    }


def _microseconds(call: Callable[[], Any], calls: int, now: Callable[[], float]) -> float:
    jax.block_until_ready(call())  # what the last contender left in the caches is not ours
    start = now()
    for _ in range(calls):
        out = call()
    jax.block_until_ready(out)
    return (now() - start) / calls * 1e6


def report(title: str, timings: Mapping[str, Timing]) -> None:
    """Print a table; the ratios are to the first contender, within a round and of the fastest."""
    base = next(iter(timings.values()))
    print(f"\n{title:46} {'median':>9} {'fastest':>9}   ratio, of fastest")
    for name, timing in timings.items():
        ratios = f"{timing.ratio:6.2f} x  {timing.fastest / base.fastest:6.2f} x"
        print(f"  {name:44} {timing.median:9.0f} {timing.fastest:9.0f}   {ratios}")
