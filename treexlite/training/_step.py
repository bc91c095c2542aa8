"""The compiled programs of a trainer: what happens to one batch.

What flows in: the state, a data set on the device, and the row numbers of a batch. What flows out:
numbers, still on the device. What may mutate: the state and the averages, as `tx.jit` carries out
what the trainer's `train_step`, `eval_step` and `predict_step` write. There is one program for each
shape of a batch: one for full batches, and one for the last batch of an epoch when it is smaller.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core import Module
from treexlite._core._record import change_modes
from treexlite._errors import ArgumentError, describe
from treexlite.training._averages import Averages
from treexlite.training._data import Batch
from treexlite.training._default_steps import DefaultSteps
from treexlite.training._objective import objective
from treexlite.training._state import TrainState
from treexlite.transforms import jit


class Programs:
    """The steps of one trainer, compiled.

    Args:
        steps: the trainer.
        donate: whether training over a data set reuses the memory of the state. Single batches
            (`train_on_batch`) never do, because their callers look at the state in between; nor
            does evaluation, which changes little.

    Attributes:
        averages: the means over the batches since `start`.
        names: what the last step logged.
    """

    def __init__(self, steps: DefaultSteps, donate: bool) -> None:
        self.steps = steps
        self.averages = Averages()
        self.names: dict[str, None] = {}
        self.compiled_train = jit(self._train, donate=donate)
        self.compiled_evaluate = jit(self._evaluate)
        self.predict = jit(self._predict)
        self.train_batch = jit(self._train_batch)
        self.evaluate_batch = jit(self._evaluate_batch)
        self.predict_batch = jit(self._predict_batch)
        self._compute = jit(_compute)
        self._outputs = jit(self._preds)

    def start(self, state: TrainState) -> None:
        """Begin a pass over a data set: forget metrics and averages."""
        self.averages.reset()
        for metric in state.metrics.values():
            metric.reset()

    def train(self, state: TrainState, data: Batch, rows: np.ndarray) -> None:
        """Make one training step on some rows of the data."""
        self.names = self.compiled_train(state, self.averages, data, rows)

    def evaluate(self, state: TrainState, data: Batch, rows: np.ndarray) -> None:
        """Evaluate some rows of the data."""
        self.names = self.compiled_evaluate(state, self.averages, data, rows)

    def read(self, state: TrainState) -> dict[str, Any]:
        """Wait for the device, and return `{name: value}` over all batches since `start`.

        This is the only place where training waits.
        """
        means, computed = fetch(self._compute(self.averages, state.metrics))
        averaged = sorted(name for name in self.names if name not in computed)
        values = {**computed, **dict(zip(averaged, means, strict=False))}
        first = [name for name in ("loss", *state.metrics) if name in self.names]
        rest = [name for name in averaged if name not in first]
        return as_numbers({name: values[name] for name in (*first, *rest)})

    def shapes_of_preds(self, model: Module, batch: Batch) -> Any:
        """Return the shapes of what `loss_fn` predicts, for shapes of a model and of a batch."""
        return self._outputs.eval_shape(model, batch)

    def _preds(self, model: Module, batch: Batch) -> Any:
        with in_mode(model, training=False):
            return objective(self.steps.loss_fn, model, batch)[1].preds

    def _train(self, state: TrainState, averages: Averages, data: Batch, rows: jax.Array) -> Any:
        batch = take(data, rows)
        return self._count(state, averages, batch, self._train_batch(state, batch))

    def _evaluate(self, state: TrainState, averages: Averages, data: Batch, rows: jax.Array) -> Any:
        batch = take(data, rows)
        return self._count(state, averages, batch, self._evaluate_batch(state, batch))

    def _count(
        self, state: TrainState, averages: Averages, batch: Batch, logs: Mapping[str, Any]
    ) -> Any:
        """Add what a step returned to the averages; metrics count by themselves.

        Returns:
            The names, without values: structure, which costs nothing to bring out.
        """
        averaged = {k: v for k, v in logs.items() if k not in state.metrics}
        averages.update(averaged, self._weight(batch))
        return dict.fromkeys(logs)

    def _weight(self, batch: Batch) -> Any:
        """How much a batch counts: as the loss divides, so that its mean is that of all data."""
        loss = self.steps.loss
        by_weight = loss is not None and loss.reduction == "weighted_mean"
        if by_weight and batch.sample_weight is not None:
            return jnp.sum(jnp.asarray(batch.sample_weight, jnp.float32))
        return jax.tree_util.tree_leaves(batch)[0].shape[0]

    def _predict(self, state: TrainState, data: Batch, rows: jax.Array) -> Any:
        return self._predict_batch(state, take(data, rows))

    def _train_batch(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        with in_mode(state.model, training=True):
            logs = self.steps.train_step(state, batch)
        state.step = state.step + 1
        return checked("train_step", logs)

    def _evaluate_batch(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        with in_mode(state.model, training=False):
            return checked("eval_step", self.steps.eval_step(state, batch))

    def _predict_batch(self, state: TrainState, batch: Batch) -> Any:
        with in_mode(state.model, training=False):
            return self.steps.predict_step(state, batch)


def take(data: Batch, rows: jax.Array) -> Batch:
    """Gather the examples of a batch."""
    gathered: Batch = jax.tree_util.tree_map(
        lambda array: jnp.take(array, rows, axis=0, mode="clip"), data
    )
    return gathered


def _compute(averages: Averages, metrics: Mapping[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
    return averages.compute(), {name: metric.compute() for name, metric in metrics.items()}


@contextlib.contextmanager
def in_mode(model: Module, training: bool) -> Iterator[None]:
    """Run the block with `model` in training or evaluation mode, and restore every mode after it.

    A model in training mode may have parts in evaluation mode; they stay there.
    """
    members = [member for _, member in model.modules()] if model.training != training else []
    changed = [member for member in members if member.training != training]
    for member in changed:
        change_modes(member, training=training)
    try:
        yield
    finally:
        for member in changed:
            change_modes(member, training=not training)


def checked(where: str, logs: Any) -> dict[str, Any]:
    """Return the logs of a step as a dict.

    Raises:
        ArgumentError: they are none.
    """
    if logs is None:
        return {}
    if not isinstance(logs, Mapping) or not all(isinstance(name, str) for name in logs):
        raise ArgumentError(
            where,
            expected="`{name: number}` to be returned",
            received=describe(logs),
            fix="Return a dict, for example `{'loss': loss}`.",
        )
    return dict(logs)


def fetch(tree: Any) -> Any:
    """Wait until the device has computed `tree`, and return it as NumPy arrays."""
    return jax.device_get(tree)


def as_numbers(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return logs as Python floats; of a metric with several values, each as `name/key`."""
    numbers: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            numbers |= {f"{name}/{key}": number for key, number in as_numbers(value).items()}
        else:
            numbers[name] = as_number(value)
    return numbers


def as_number(value: Any) -> Any:
    """Return a number as a Python float, and anything larger as it is."""
    return float(value) if jnp.ndim(value) == 0 else value
