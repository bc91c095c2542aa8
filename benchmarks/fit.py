"""What does `tx.Trainer.fit` cost, beside loops written by hand and beside Keras?

Trains the same networks from the same arrays in four or five ways: step by step by hand, with a
compiled epoch by hand, with `tx.Trainer.fit`, and with Keras 3 on JAX (`steps_per_execution` of 1,
and of more). Everybody trains on the same data with Adam, shuffles each epoch, trains on the
smaller last batch too, and measures the mean loss and the accuracy of each epoch (see `fitting/`).

A turn is some epochs, with one call of `fit`; in every round everybody takes one, and ratios are
medians over the rounds of the ratio within a round: to the better loop by hand, to Keras's default,
and to the fastest `steps_per_execution`. Below a table stands who did not learn, if anybody.

    python benchmarks/fit.py
    python benchmarks/fit.py --case digits-1 cnn --rounds 31
    python benchmarks/fit.py --steps-per-execution 8 32 128 --clock cpu
    python benchmarks/fit.py --quick --without-keras
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from fitting import CASES, Case, Turn, by_hand, case, ours
from rounds import CLOCKS

try:
    from fitting import with_keras
except ImportError as error:
    with_keras, KERAS_MISSING = None, str(error)


class Result(NamedTuple):
    """One way to train.

    Attributes:
        times: microseconds of a step, for each round.
        losses: the mean loss of the last epoch of each turn, that of the warm-up first.
        accuracy: of the last epoch.
    """

    times: list[float]
    losses: list[float]
    accuracy: float

    @property
    def learned(self) -> bool:
        """Whether the loss has fallen."""
        return self.losses[-1] < self.losses[0]

    def ratio(self, other: Result) -> float:
        """Return how many times as long as `other` a step takes."""
        pairs = zip(self.times, other.times, strict=True)
        return statistics.median(own / theirs for own, theirs in pairs)


def measure(turns: Mapping[str, Turn], steps: int, rounds: int, clock: str) -> dict[str, Result]:
    """Let everybody train once to warm up, and then once in every round.

    Every other round goes backwards, so that nobody always follows the same rival.
    """
    now = CLOCKS[clock]
    results = {name: Result([], [turn()[0]], 0.0) for name, turn in turns.items()}
    for number in range(rounds):
        for name in reversed(turns) if number % 2 else turns:
            start = now()
            loss, accuracy = turns[name]()
            results[name].times.append((now() - start) / steps * 1e6)
            results[name].losses.append(loss)
            results[name] = results[name]._replace(accuracy=accuracy)
    return results


def contenders(what: Case, steps_per_execution: Sequence[int], keras: bool) -> dict[str, Turn]:
    """Return the ways to train: by hand, ours, and Keras's when it takes part."""
    turns = by_hand.turns(what) | ours.turns(what)
    if keras and with_keras is not None:
        turns |= with_keras.turns(what, [1, *steps_per_execution])
    return turns


def fastest(results: Mapping[str, Result], prefix: str) -> Result | None:
    """Return the fastest of the ways whose names begin with `prefix`, or None without any."""
    found = [result for name, result in results.items() if name.startswith(prefix)]
    return min(found, key=lambda result: statistics.median(result.times)) if found else None


def report(title: str, results: Mapping[str, Result]) -> None:
    """Print a table."""
    rivals = {
        "by hand": fastest(results, "by hand"),
        "Keras": results.get("Keras, 1 at once"),
        "tuned": fastest(results, "Keras"),
    }
    present = {name: rival for name, rival in rivals.items() if rival is not None}
    header = "".join(f"{f'to {name}':>12}" for name in present)
    print(f"\n{title:30}{'us/step':>9}{header}{'loss':>18}{'accuracy':>10}")
    for name, result in results.items():
        ratios = "".join(f"{result.ratio(rival):11.2f}x" for rival in present.values())
        losses = f"{result.losses[0]:.4f} - {result.losses[-1]:.4f}"
        median = statistics.median(result.times)
        print(f"  {name:28}{median:9.0f}{ratios}{losses:>18}{result.accuracy:10.3f}")
    for name, result in results.items():
        if not result.learned:
            print(f"  {name} did not learn: its time says nothing")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, nargs="+", default=CASES)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a busy machine")
    parser.add_argument("--steps-per-execution", type=int, nargs="+", default=[32], metavar="N")
    parser.add_argument("--without-keras", action="store_true")
    parser.add_argument("--quick", action="store_true", help="few examples, 3 rounds")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    if with_keras is None and not options.without_keras:
        print(f"Keras does not take part: {KERAS_MISSING}")
    rounds = 3 if options.quick else options.rounds
    for name in options.case:
        what = case(name, options.quick)
        turns = contenders(what, options.steps_per_execution, not options.without_keras)
        results = measure(turns, what.num_steps * what.epochs, rounds, options.clock)
        report(f"{name}, {what.num_steps} steps x {what.epochs}", results)


if __name__ == "__main__":
    main()
