"""The order of events: what `fit`, `evaluate` and `predict` do, dispatch by dispatch.

What flows in: a trainer, its compiled programs, data sets, callbacks. What flows out: a `History`,
logs, or predictions. What may mutate: the trainer's state, history, profile, `position` and
`stop_training`. No line waits for the device except where it says `read`, `fetch` or `dispatched`.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from treexlite._core._record import array_writes
from treexlite.callbacks import CallbackList
from treexlite.training._feed import Chunk, Feed, Pass
from treexlite.training._interrupt import Terminated, held_back
from treexlite.training._profile import Profile
from treexlite.training._reading import Reading
from treexlite.training._records import CAPACITY
from treexlite.training._step import Programs, fetch

FETCH_BEHIND = 8  # batches of predictions that may wait on the device
EPOCHS_BEHIND = 2  # epochs whose logs may wait there, when nobody looks at them


@dataclass(frozen=True)
class Plan:
    """How `fit` goes: its arguments of the same names, checked."""

    train: Feed
    validation: Feed | None
    validation_freq: int
    epochs: range
    shuffle: bool

    def readings(self) -> dict[str, Reading]:
        """Return how far the streams are read, by their names."""
        feeds = {"training": self.train, "validation": self.validation}
        return {
            name: feed.reading
            for name, feed in feeds.items()
            if feed is not None and feed.reading is not None
        }


@dataclass
class Run:
    """What the passes of one call share.

    Attributes:
        trainer: the trainer.
        programs: its compiled steps.
        callbacks: whom to tell.
        profile: where the time goes.
        interrupt: acts on signals that were held back.
        unread: how many steps were made whose single logs were not read.
        logs: the epoch that is ending, and its logs, to which callbacks may add.
        readings: epochs that have ended, and functions that wait for their logs.
        last: the logs of the last epoch whose logs were read.
        is_under_way: whether epochs have begun.
    """

    trainer: Any
    programs: Programs
    callbacks: CallbackList
    profile: Profile
    interrupt: Callable[[], None]
    unread: int = 0
    logs: tuple[int, dict[str, Any]] | None = None
    readings: deque[tuple[int, Callable[[], dict[str, Any]]]] = field(default_factory=deque)
    last: dict[str, Any] = field(default_factory=dict)
    is_under_way: bool = False

    def steps(self, mode: str, feed: Pass, done: int, seen: int) -> Iterator[Chunk]:
        """Make the steps of one pass; gives each chunk when its steps are dispatched.

        Args:
            mode: "train" or "test".
            feed: where the batches come from.
            done: batches of this pass that were done before.
            seen: steps that were made in all.
        """
        trainer, programs, callbacks, span = (
            self.trainer,
            self.programs,
            self.callbacks,
            self.profile.span,
        )
        state, pace = trainer.state, trainer.paces[mode]
        if not self.readings:  # the device has nothing to do yet
            pace.start()

        def read() -> dict[str, Any]:
            with span("device"):
                return programs.read(mode, state)

        while True:
            due = callbacks.steps_until_due(mode, seen)
            limits = [pace.steps if programs.is_looped(mode) else 1]
            limits += [limit for limit in (due, self._room(mode)) if limit is not None]
            with span("data"):
                chunk = feed.take(min(limits), self.interrupt)
            if chunk is None:
                return
            trainer.recent = chunk
            with span("callbacks"):
                callbacks.batch_begin(mode, done, seen)
            with span("dispatch"):
                token = programs.run(mode, state, chunk)
            with span("device"):
                pace.dispatched(token, chunk.count)
            done, seen = done + chunk.count, seen + chunk.count
            if mode == "train":
                self._count(chunk.count)
            yield chunk
            with span("callbacks"):
                callbacks.progress(mode, done, read)
                callbacks.batch_end(mode, done - 1, seen, read)
            self.interrupt()
            if mode == "train" and trainer.stop_training:
                return

    @contextlib.contextmanager
    def owning(self) -> Iterator[None]:
        """Call callbacks; what they put into the state may be theirs, so it is copied."""
        before = array_writes[0]
        with self.profile.span("callbacks"):
            yield
        if array_writes[0] != before:
            self.trainer.own_arrays()

    def _room(self, mode: str) -> int | None:
        """How many more steps can be recorded."""
        if mode != "train" or self.programs.records is None:
            return None
        if self.unread == CAPACITY:
            self.record()
        return CAPACITY - self.unread

    def _count(self, steps: int) -> None:
        self.profile.dispatches += 1
        self.profile.steps += steps
        self.unread += steps

    def record(self) -> None:
        """Read what single steps logged into the history."""
        with self.profile.span("device"):
            columns = self.programs.read_records(self.trainer.state)
        self.trainer.history.add_steps(self.trainer.position.step, columns)
        self.unread = 0

    def catch_up(self, behind: int = 0) -> None:
        """Bring the logs of epochs into the history, all but those of the last `behind` ones."""
        while len(self.readings) > behind:
            epoch = self.readings[0][0]
            self.trainer.history.append(epoch, self.next_logs())

    def next_logs(self) -> dict[str, Any]:
        """Wait for the logs of the first epoch in `readings`, and take it out."""
        _, read = self.readings.popleft()
        with self.profile.span("device"):
            self.last = read()
        return self.last

    def settle(self) -> None:
        """Bring into the history what belongs there so far."""
        self.catch_up()
        self.record()
        if self.logs is not None:
            self.trainer.history.add(*self.logs)

    def evaluated(self, feed: Feed, within_epoch: bool) -> dict[str, Any]:
        """Evaluate a data set from its first batch to its last.

        Args:
            feed: the data set.
            within_epoch: whether an epoch of training goes on after it, with its own means.
        """
        programs, state = self.programs, self.trainer.state
        with self.profile.span("callbacks"):
            self.callbacks.begin("test")
        with programs.aside(state) if within_epoch else contextlib.nullcontext():
            programs.start(state)
            count, last = 0, None
            with contextlib.closing(feed.open(0, None)) as batches:
                for chunk in self.steps("test", batches, 0, 0):
                    count, last = count + chunk.count, chunk
            if last is not None and feed.reading is not None:  # what is cut short is done again
                feed.reading.used(last, count)
            with self.profile.span("device"):
                logs = programs.read("test", state)
        with self.profile.span("callbacks"):
            self.callbacks.end("test", logs)
        return logs


@contextlib.contextmanager
def _run(trainer: Any, programs: Programs, callbacks: CallbackList) -> Iterator[Run]:
    """Hold signals back, and measure. In a callback, what runs outside goes on afterwards."""
    profile = Profile()
    outside = trainer.recent, trainer._running
    with held_back() as interrupt:
        try:
            trainer._running = Run(trainer, programs, callbacks, profile, interrupt)
            yield trainer._running
        finally:
            trainer.recent, trainer._running = outside
            profile.stop()
            callbacks.close()


def fit(trainer: Any, programs: Programs, plan: Plan, callbacks: CallbackList) -> None:
    """Train epoch after epoch; see `Trainer.fit`."""
    trainer.stop_training = False
    with _run(trainer, programs, callbacks) as run:
        trainer.profile = run.profile
        try:
            with run.owning():
                callbacks.begin("train")
            run.is_under_way = True
            for epoch in trainer.remaining(plan.epochs, plan.readings()):
                if trainer.stop_training:  # by `on_train_begin`, or by the last epoch
                    break
                _epoch(run, plan, epoch)
                run.interrupt()
        except (KeyboardInterrupt, Terminated):  # training ends here, in order
            run.catch_up()
            run.record()
            callbacks.end("train", run.last)
            raise
        finally:
            run.catch_up()
        callbacks.end("train", run.last)


def _epoch(run: Run, plan: Plan, epoch: int) -> None:
    trainer, programs, span = run.trainer, run.programs, run.profile.span
    state = trainer.state
    skip = trainer.position.begin(epoch)
    with run.owning():
        run.callbacks.epoch_begin(epoch)
    if not skip:
        with span("dispatch"):
            programs.start(state)
    seed = trainer.seed if plan.shuffle else None
    with span("data"):
        batches = plan.train.open(epoch, seed, skip)
    with contextlib.closing(batches):
        for chunk in run.steps("train", batches, skip, trainer.position.step):
            trainer.position.advance(chunk.count)
            if plan.train.reading is not None:
                plan.train.reading.used(chunk, chunk.count)
    if epoch + 1 < plan.epochs.stop:
        with span("data"):
            plan.train.prepare(epoch + 1, seed)
    run.record()
    with span("dispatch"):
        run.readings.append((epoch, programs.reading("train", state)))
    validates = plan.validation is not None and (epoch + 1) % plan.validation_freq == 0
    if validates or run.callbacks.watches_epochs:
        _close_epoch(run, plan, validates, epoch)
    else:
        trainer.position.end(epoch)
        run.catch_up(EPOCHS_BEHIND)


def _close_epoch(run: Run, plan: Plan, validates: bool, epoch: int) -> None:
    """Wait for the logs of an epoch, add those of the validation, and show them to callbacks."""
    run.catch_up(behind=1)
    logs = run.next_logs()
    if validates and plan.validation is not None:
        with run.profile.span("validation"):
            values = run.evaluated(plan.validation, within_epoch=True)
        logs.update({f"val_{name}": value for name, value in values.items()})
    run.trainer.history.append(epoch, logs)
    run.trainer.position.end(epoch)
    run.logs = epoch, logs
    run.callbacks.check_names(run.programs.logged(plan.validation is not None))  # of eager steps
    with run.owning():
        run.callbacks.epoch_end(epoch, logs)
    run.settle()
    run.logs = None


def evaluate(
    trainer: Any, programs: Programs, feed: Feed, callbacks: CallbackList
) -> dict[str, Any]:
    """Measure without training; see `Trainer.evaluate`."""
    within_epoch = trainer.is_within_epoch
    with _run(trainer, programs, callbacks) as run:
        return run.evaluated(feed, within_epoch)


def predict(trainer: Any, programs: Programs, feed: Feed, callbacks: CallbackList) -> Any:
    """Predict in the order of the data; see `Trainer.predict`."""
    waiting: deque[Any] = deque()
    outputs: list[Any] = []

    def wait() -> dict[str, Any]:
        jax.block_until_ready(waiting[-1])
        return {}

    with _run(trainer, programs, callbacks) as run:
        callbacks.begin("predict")
        with contextlib.closing(feed.open(0, None)) as batches:
            done = 0
            while (chunk := batches.take(1, run.interrupt)) is not None:
                callbacks.batch_begin("predict", done, done)
                waiting.append(
                    programs.predict(
                        trainer.state, trainer.held(), chunk.data, chunk.rows, chunk.first
                    )
                )
                done += 1
                callbacks.batch_end("predict", done - 1, done, wait)
                callbacks.progress("predict", done, wait)
                if len(waiting) > FETCH_BEHIND:
                    outputs.append(fetch(waiting.popleft()))
                run.interrupt()
        outputs += fetch(list(waiting))
        callbacks.end("predict", {})
    return jax.tree_util.tree_map(lambda *parts: np.concatenate(parts), *outputs)
