"""Does a training that is killed again and again end with the bits of an undisturbed one?

A process trains a small network with dropout, BatchNorm, Adam, validation and a callback that
changes the learning rate, and saves everything after every step. SIGKILL comes at random moments:
while it compiles, restores, steps, saves, or ends. After each, the newest checkpoint has to be
whole, and no older than the one before; the same script is started again until it is through; then
parameters, optimizer, metrics, random keys and history have to be the same to the bit.

    python benchmarks/kill.py
    python benchmarks/kill.py --kills 6 --data stream
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # nearly all of the time is compiling

import jax
import numpy as np

import treexlite as tx

EXAMPLES, BATCH = 52, 8  # 7 batches, the last one of 4
EPOCHS, STEPS = 15, 5  # of streams without epochs
SECONDS = 2.0  # from the first step, or from the start of the process, to the kill at most


class Loader:
    """Batches in an order of their own for each epoch; says where it is, as torchdata's does."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y
        self.generator = np.random.default_rng(1)
        self.order: Any = None

    def __iter__(self) -> Iterator[Any]:
        if self.order is None:
            self.order = self.generator.permutation(len(self.x))
        while len(self.order):
            rows, self.order = self.order[:BATCH], self.order[BATCH:]
            yield self.x[rows], self.y[rows]
        self.order = None

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.generator.bit_generator.state, "order": self.order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.bit_generator.state = state["generator"]
        self.order = state["order"]


def endless(x: Any, y: Any) -> Iterator[Any]:
    """Batches without end and without a state: all of them are read again."""
    generator = np.random.default_rng(1)
    while True:
        rows = generator.integers(len(x), size=BATCH)
        yield x[rows], y[rows]


DATA: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "arrays": lambda x, y: {"x": x, "y": y, "batch_size": BATCH},
    "stream": lambda x, y: {"x": Loader(x, y)},
    "stream, cut": lambda x, y: {"x": Loader(x, y), "steps_per_epoch": STEPS},
    "iterator": lambda x, y: {"x": endless(x, y), "steps_per_epoch": STEPS},
}


class Telling(tx.callbacks.Callback):
    """Says that a step was made, by closing a pipe."""

    needs_logs = False

    def __init__(self, telling: int) -> None:
        super().__init__()
        self.telling: int | None = telling

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.telling is not None:
            os.close(self.telling)
        self.telling = None


def train(data: str, folder: Path, telling: int) -> None:
    """What the script does that is killed."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(EXAMPLES, 4)).astype(np.float32)
    y = x[:, :3].argmax(axis=1)
    layers = [tx.nn.Linear(8), tx.nn.BatchNorm(), jax.nn.relu, tx.nn.Dropout(0.3), tx.nn.Linear(3)]
    trainer = tx.Trainer(tx.nn.Sequential(*layers), "crossentropy", "adam", ["accuracy"])
    callbacks = [
        tx.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.05),
        tx.callbacks.BackupAndRestore(folder / "backup", save_freq=1),
        Telling(telling),
    ]
    history = trainer.fit(
        **DATA[data](x, y),
        epochs=EPOCHS,
        verbose=0,
        callbacks=callbacks,
        validation_data=(x[:20], y[:20]),
        record_steps=True,
    )
    logs = {"history": history.history, "epoch": history.epoch, "steps": history.steps}
    tx.save(folder / "result", trainer.state, extra=logs)


def result(folder: Path) -> tuple[dict[str, bytes], Any]:
    """What a training ended with, to the bit."""
    with tx.checkpoints.Checkpoint(folder / "result") as found:
        return {name: found[name].tobytes() for name in found}, found.extra


def step_of(folder: Path) -> int:
    """The step of the newest checkpoint, all of which is checked; 0 when there is none."""
    path = folder / "backup" / "latest"
    if not path.exists():
        return 0
    with tx.checkpoints.Checkpoint(path) as found:
        for name in found:
            found[name]
        step: int = found.extra["position"]["step"]
        return step


def start(data: str, folder: Path) -> tuple[int, int]:
    """Start a training; returns its process, and where it tells that it has begun.

    The imports are done, and nothing else: JAX starts in the new process.
    """
    listening, telling = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            train(data, folder, telling)
            code = 0
        finally:
            os._exit(code)
    os.close(telling)
    return process, listening


def ended(process: int) -> int:
    """Wait for a training; returns its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def killed(data: str, folder: Path, dice: random.Random) -> bool:
    """Start a training and kill it at some moment; False when it was through before."""
    process, listening = start(data, folder)
    if dice.random() < 0.8:  # else while it restores and compiles, or later
        os.read(listening, 1)
    time.sleep(dice.uniform(0, SECONDS))
    os.close(listening)
    os.kill(process, signal.SIGKILL)
    code = ended(process)
    if code not in (0, -signal.SIGKILL):
        raise SystemExit(f"LOSS: a training could not go on (exit code {code})")
    return code != 0


def finish(data: str, folder: Path) -> None:
    """Train to the end."""
    process, listening = start(data, folder)
    code = ended(process)
    os.close(listening)
    if code:
        raise SystemExit(f"LOSS: a training could not go on (exit code {code})")


def trainings(
    data: str, root: Path, expected: Any, kills: int, dice: random.Random
) -> Iterator[str]:
    """Train until there were so many kills, and to the end; gives each loss."""
    for number in itertools.count():
        folder = root / f"{data}-{number}"
        folder.mkdir()
        done = before = 0
        while not (folder / "result").exists():
            if not kills:
                finish(data, folder)
            elif killed(data, folder, dice):
                kills, done = kills - 1, done + 1
                step = step_of(folder)
                if step < before and (folder / "backup").exists():  # it is deleted at the end
                    yield f"step {step} after step {before}"
                before = step
        same = result(folder) == expected
        print(f"  training {number}: {done} kills, {'the same bits' if same else 'OTHER BITS'}")
        if not same:
            yield f"training {number} ended with other bits"
        if not kills:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--data", choices=list(DATA), nargs="+", default=list(DATA))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)  # JAX has not started here
    losses = []
    with tempfile.TemporaryDirectory() as root:
        jax.config.update("jax_compilation_cache_dir", f"{root}/programs")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        for number, data in enumerate(options.data):
            share = len(range(number, options.kills, len(options.data)))
            folder = Path(root) / f"{data}, undisturbed"
            folder.mkdir()
            began = time.monotonic()
            finish(data, folder)
            print(f"{data}: {time.monotonic() - began:.1f} seconds undisturbed, {share} kills")
            dice = random.Random(f"{options.seed} {data}")
            found = trainings(data, Path(root), result(folder), share, dice)
            losses += [f"{data}: {loss}" for loss in found]
    print(f"{options.kills} kills, {len(losses)} losses", *losses, sep="\n  ")
    return int(bool(losses))


if __name__ == "__main__":
    sys.exit(main())
