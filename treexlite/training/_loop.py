"""The order of events: what `fit`, `evaluate` and `predict` do, batch by batch.

What flows in: a trainer, its compiled programs, passes over data sets. What flows out: a `History`,
logs, or predictions. What may mutate: the trainer's state, history and `stop_training`. No line
waits for the device except where it says `read` or `fetch`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from treexlite._errors import ShapeError, describe
from treexlite.training._data import Pass, in_order, shuffled
from treexlite.training._history import History
from treexlite.training._interrupt import held_back
from treexlite.training._progress import Reporter
from treexlite.training._step import Programs, fetch


@dataclass(frozen=True)
class Plan:
    """How `fit` goes: its arguments of the same names, checked."""

    train: Pass
    validation: Pass | None
    validation_freq: int
    epochs: range
    shuffle: bool


def fit(trainer: Any, programs: Programs, plan: Plan, report: Reporter) -> History:
    """Train epoch after epoch; see `Trainer.fit`."""
    state, train = trainer.state, plan.train
    history = trainer.history = History()
    trainer.stop_training = False
    read = functools.partial(programs.read, state)
    with contextlib.closing(report), held_back() as interrupt:
        for epoch in plan.epochs:
            report.begin(f"Epoch {epoch + 1}/{plan.epochs.stop}", train.num_steps)
            programs.start(state)
            for rows in train.batches(_order(trainer.seed, epoch, plan)):
                programs.train(state, train.data, rows)
                report.step(read)
                interrupt()
                if trainer.stop_training:
                    break
            logs = read()
            if plan.validation is not None and (epoch + 1) % plan.validation_freq == 0:
                values = _evaluated(state, programs, plan.validation, interrupt)
                logs.update({f"val_{name}": value for name, value in values.items()})
            history.append(epoch, logs)
            report.end(logs)
            if trainer.stop_training:
                break
    return history


def _order(seed: int, epoch: int, plan: Plan) -> np.ndarray:
    count = plan.train.num_examples
    return shuffled(seed, epoch, count) if plan.shuffle else in_order(count)


def _evaluated(
    state: Any, programs: Programs, data: Pass, after_step: Callable[[], None]
) -> dict[str, Any]:
    programs.start(state)
    for rows in data.batches(in_order(data.num_examples)):
        programs.evaluate(state, data.data, rows)
        after_step()
    return programs.read(state)


def evaluate(state: Any, programs: Programs, data: Pass, report: Reporter) -> dict[str, Any]:
    """Measure without training; see `Trainer.evaluate`."""
    read = functools.partial(programs.read, state)
    with contextlib.closing(report), held_back() as interrupt:

        def after_step() -> None:
            report.step(read)
            interrupt()

        report.begin("Evaluate", data.num_steps)
        logs = _evaluated(state, programs, data, after_step)
        report.end(logs)
    return logs


def predict(state: Any, programs: Programs, data: Pass, report: Reporter) -> Any:
    """Predict in the order of the data; see `Trainer.predict`."""
    outputs: list[Any] = []

    def wait() -> dict[str, Any]:
        jax.block_until_ready(outputs[-1])
        return {}

    with contextlib.closing(report), held_back() as interrupt:
        report.begin("Predict", data.num_steps)
        for rows in data.batches(in_order(data.num_examples)):
            outputs.append(programs.predict(state, data.data, rows))
            report.step(wait)
            interrupt()
        report.end(None)
    return jax.tree_util.tree_map(_concatenated, *fetch(outputs))


def _concatenated(*parts: np.ndarray) -> np.ndarray:
    if np.ndim(parts[0]) == 0:
        raise ShapeError(
            "Trainer.predict",
            expected="outputs whose first axis counts the examples",
            received=f"an output of {describe(parts[0])}",
            fix="Override `predict_step` to return only what there is for each example.",
        )
    return np.concatenate(parts)
