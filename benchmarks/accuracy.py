"""Does `tx.Trainer.fit` train as well as Keras?

Trains an MLP with five residual blocks and a small convolutional network on scikit-learn's digits,
once for each seed, with treexlite and with Keras 3 on JAX: the same layers, kinds of initial arrays
(`glorot_uniform`, zeros), Adam, rates (a cosine from 0.003 to 0), batches and epochs, and the same
examples to train and to test on. The seed decides the initial arrays and the order of the examples,
each framework in its own way. The accuracies of the seeds on the test examples are two samples;
Mann and Whitney's test asks whether they may come from one distribution: a small p says no. The
interval is Welch's for the difference of the means, at 95%.

    python benchmarks/accuracy.py
    python benchmarks/accuracy.py --seeds 30 --case mlp
    python benchmarks/accuracy.py --quick
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import optax
from fitting import DIGITS_CNN, Data, Network, digits, digits_mlp, ours
from scipy import stats

try:
    from fitting import with_keras
except ImportError as error:
    with_keras, KERAS_MISSING = None, str(error)

RATE, BATCH = 3e-3, 32
NETWORKS = {"mlp": digits_mlp(5), "cnn": DIGITS_CNN}


class Task(NamedTuple):
    """What every seed does.

    Attributes:
        network: the layers.
        train: the examples to train on.
        test: the examples to measure the accuracy on.
        epochs: how often the first are visited.
    """

    network: Network
    train: Data
    test: Data
    epochs: int

    @property
    def num_steps(self) -> int:
        """How many steps there are, all epochs together."""
        return -(-len(self.train.x) // BATCH) * self.epochs


def task(name: str, epochs: int, count: int | None = None) -> Task:
    """Return a task: a fifth of the digits, the same for every seed, to test on."""
    x, y = digits(count)
    rows = np.random.default_rng(0).permutation(len(x))  # the digits come writer by writer
    x, y = x[rows], y[rows]
    if name == "cnn":
        x = x.reshape(-1, 8, 8, 1)
    held_out = len(x) // 5
    train, test = Data(x[held_out:], y[held_out:]), Data(x[:held_out], y[:held_out])
    return Task(NETWORKS[name], train, test, epochs)


def with_ours(what: Task, seed: int) -> float:
    """Train with treexlite, and return the accuracy on the test examples."""
    rate = optax.cosine_decay_schedule(RATE, what.num_steps)
    trainer = ours.build(what.network, rate, seed)
    trainer.fit(*what.train, batch_size=BATCH, epochs=what.epochs, verbose=0)
    return float(trainer.evaluate(*what.test, batch_size=len(what.test.x), verbose=0)["accuracy"])


def with_theirs(what: Task, seed: int) -> float:
    """Train with Keras, and return the accuracy on the test examples."""
    with_keras.keras.utils.set_random_seed(seed)
    rate = with_keras.keras.optimizers.schedules.CosineDecay(RATE, what.num_steps)
    model = with_keras.build(what.network, what.train.x.shape[1:], rate)
    model.fit(*what.train, batch_size=BATCH, epochs=what.epochs, verbose=0)
    return float(model.evaluate(*what.test, batch_size=len(what.test.x), verbose=0)[1])


def contenders() -> dict[str, Callable[[Task, int], float]]:
    """Return the ways to train: Keras's only where it is installed."""
    found: dict[str, Callable[[Task, int], float]] = {"tx.Trainer.fit": with_ours}
    return found if with_keras is None else found | {"Keras": with_theirs}


def compare(first: Sequence[float], second: Sequence[float]) -> str:
    """Return what the tests say of two samples."""
    p = stats.mannwhitneyu(first, second).pvalue
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    difference = statistics.fmean(first) - statistics.fmean(second)
    bounds = f"({interval.low:+.4f} to {interval.high:+.4f})"
    return f"Mann-Whitney p = {p:.2f}; difference of the means {difference:+.4f} {bounds}"


def report(title: str, samples: dict[str, list[float]]) -> None:
    """Print a table, and below it the test."""
    print(f"\n{title:40}{'mean':>9}{'std':>9}{'lowest':>9}{'highest':>9}")
    for name, found in samples.items():
        numbers = (statistics.fmean(found), statistics.stdev(found), min(found), max(found))
        print(f"  {name:38}" + "".join(f"{number:9.4f}" for number in numbers))
    if len(samples) == 2:
        print(f"  {compare(*samples.values())}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=NETWORKS, nargs="+", default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="2 seeds, 2 epochs, few digits")
    options = parser.parse_args(arguments)
    print(f"jax {jax.__version__}, {jax.devices()[0].platform}, {os.cpu_count()} cores")
    if with_keras is None:
        print(f"Keras does not take part: {KERAS_MISSING}")
    seeds, epochs = (2, 2) if options.quick else (options.seeds, options.epochs)
    for name in options.case:
        what = task(name, epochs, 300 if options.quick else None)
        samples = {
            who: [train(what, seed) for seed in range(seeds)] for who, train in contenders().items()
        }
        report(f"{name}, {len(what.test.x)} test examples, {seeds} seeds", samples)


if __name__ == "__main__":
    main()
