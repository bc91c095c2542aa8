"""`Trainer`: Keras's vocabulary around compiled steps.

What flows in: a model, a loss, an optimizer, metrics, and arrays. What flows out: histories, logs,
predictions. What may mutate: the model, optimizer and metrics that were given, in place; so the
user's own `model` is the trained one.

This file is the interface. `_loop` has the order of events, `_default_steps` what happens to one
batch (and what users override), `_step` what is compiled around it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from treexlite._core import Module
from treexlite._core._init import NO_INPUTS
from treexlite._core._random import as_key, fold
from treexlite._errors import ArgumentError, describe
from treexlite.optimizers._optimizer import Optimizer
from treexlite.optimizers._registry import as_optimizer
from treexlite.regularizers._registry import as_regularizers
from treexlite.training import _loop
from treexlite.training._arguments import as_loss, as_metrics, integer
from treexlite.training._data import Arrays, Batch, Pass, on_device, shapes, with_validation
from treexlite.training._default_steps import DefaultSteps, has_default_steps
from treexlite.training._history import History
from treexlite.training._progress import Reporter
from treexlite.training._state import TrainState, own
from treexlite.training._step import Programs, as_numbers, fetch
from treexlite.training._targets import check_targets


class Trainer(DefaultSteps):
    """Trains a model on arrays, and evaluates it.

    The model stays in the mode it was given in: steps run on the training or evaluation form of it
    as needed. Initialisation, data order and the key of the state follow from the seed alone, so
    equal seeds give equal bits.

    To change what happens in a step, derive from this class and override `loss_fn`, `train_step`,
    `eval_step` or `predict_step`. They run compiled: Python runs once for each shape of a batch.

    Args:
        model: the module to train. One that is not initialised is, from the seed and the shapes of
            the first batch.
        loss: a name, a `tx.losses.Loss`, or a function `(target, preds)` that returns one value per
            example (or one number). None when the model has losses of its own (`LossLog` fields,
            which are always added), or when nothing is trained.
        optimizer: a name, an optax transformation, or a `tx.Optimizer`.
        metrics: one or several names or `tx.metrics.Metric`s, or `{name: metric}`.
        regularizers: one or several names, `tx.regularizers.Regularizer`s, or functions of one
            array, for the whole model. Their penalties are added to the loss, as are those of
            layers with an attribute `regularizer`; in evaluation too, as in Keras, so that both
            losses can be compared.
        seed: decides everything random that the trainer does.
        donate: whether `fit` reuses the memory of the state for its new values. It copies the state
            once at its start, so that arrays you hold survive.

    Raises:
        UnknownNameError: a string names no loss, optimizer, metric or regularizer.
        ArgumentError: an argument is of another kind.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> model = tx.nn.Linear(1)
        >>> trainer = tx.Trainer(model, loss="mse", optimizer="sgd")
        >>> history = trainer.fit(x, 2 * x - 1, batch_size=8, epochs=100, verbose=0)
        >>> round(float(model.kernel[0, 0]), 1), round(float(model.bias[0]), 1)
        (2.0, -1.0)
    """

    def __init__(
        self,
        model: Any,
        loss: Any = None,
        optimizer: Any = None,
        metrics: Any = None,
        *,
        regularizers: Any = None,
        seed: int = 0,
        donate: bool = True,
    ) -> None:
        if not isinstance(model, Module):
            raise ArgumentError(
                "Trainer",
                expected="`model` to be a `tx.Module`",
                received=f"model={describe(model)}",
                fix="Pass an instance of a class that derives from `tx.Module`.",
            )
        optimizer = None if optimizer is None else as_optimizer("Trainer", optimizer)
        super().__init__(
            as_loss("Trainer", loss), as_regularizers("Trainer", "regularizers", regularizers)
        )
        self.seed = integer("Trainer", "seed", seed, 0)
        key = fold(as_key("Trainer", self.seed), "state")  # apart from those of initialisation
        self.state = TrainState(model, optimizer, as_metrics("Trainer", metrics), key)
        self.history = History()
        self.stop_training = False
        self._donate = donate
        self._programs = Programs(self, donate)

    @property
    def model(self) -> Any:
        """The model, the same object that was given."""
        return self.state.model

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer, the same object when an `Optimizer` was given."""
        optimizer: Optimizer | None = self.state.optimizer
        return optimizer

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int = 1,
        *,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        drop_remainder: bool = False,
    ) -> History:
        """Train the model on arrays.

        Ctrl-C stops after the step that is running, and leaves the model as that step made it; a
        second one does not wait.

        Args:
            x: inputs: an array, a tuple of positional arguments, or a dict of keyword arguments of
                the model. The first axes count the examples.
            y: targets: an array, or any tree of arrays.
            batch_size: examples for one step. The last batch of an epoch has what is left, and
                trains too.
            epochs: the epoch to stop before; how many there are, when `initial_epoch` is 0.
            verbose: 0 shows nothing, 1 a live bar and a line for each epoch, 2 the lines only.
            validation_split: the share of the examples, taken from the end, that is evaluated after
                each epoch instead of trained on.
            validation_data: `(x, y)` or `(x, y, sample_weight)` to evaluate after each epoch.
            shuffle: visit the examples in another order in each epoch, decided by the seed and the
                number of the epoch alone.
            sample_weight: how much each example counts, in the loss and in the metrics.
            initial_epoch: the epoch to begin with, to continue an earlier training.
            steps_per_epoch: visit only that many batches in each epoch.
            validation_steps: the same for validation.
            validation_batch_size: None is `batch_size`.
            validation_freq: validate after every so many epochs.
            drop_remainder: leave out a last batch that is smaller than the others.

        Returns:
            The logs of each epoch: the loss, the metrics, and the same on the validation data with
            names that begin with `val_`.

        Raises:
            DataError: arrays do not fit together, or are empty.
            RangeError: a label is no class of the model.
            ArgumentError: an option is outside its range, or two contradict each other.
            KeyboardInterrupt: Ctrl-C was pressed; `trainer.history` has the complete epochs.
        """
        where = "Trainer.fit"
        report = Reporter(where, verbose)
        arrays, held_out = with_validation(
            Arrays(where, Batch(x, y, sample_weight)), validation_split, validation_data
        )
        train = Pass(arrays, batch_size, steps_per_epoch, drop_remainder, name="steps_per_epoch")
        validation = None
        if held_out is not None:
            size = batch_size if validation_batch_size is None else validation_batch_size
            validation = Pass(held_out, size, validation_steps, name="validation_steps")
        first = integer(where, "initial_epoch", initial_epoch, 0)
        plan = _loop.Plan(
            train,
            validation,
            integer(where, "validation_freq", validation_freq, 1),
            range(first, integer(where, "epochs", epochs, 0)),
            shuffle,
        )
        self._make_ready(where, train, validation)
        if self._donate:
            own(self.state)
        return _loop.fit(self, self._programs, plan, report)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: int = 1,
        *,
        sample_weight: Any = None,
        steps: int | None = None,
    ) -> dict[str, Any]:
        """Measure the loss and the metrics over arrays, in evaluation mode.

        Args:
            x: inputs, as in `fit`.
            y: targets, as in `fit`.
            batch_size: examples for one step; the result does not depend on it.
            verbose: as in `fit`.
            sample_weight: as in `fit`.
            steps: visit only that many batches.

        Returns:
            `{name: value}` over all examples.

        Raises:
            DataError: arrays do not fit together, or are empty.
        """
        where = "Trainer.evaluate"
        report = Reporter(where, verbose)
        data = Pass(Arrays(where, Batch(x, y, sample_weight)), batch_size, steps)
        self._make_ready(where, data)
        return _loop.evaluate(self.state, self._programs, data, report)

    def predict(
        self, x: Any, batch_size: int = 32, verbose: int = 1, *, steps: int | None = None
    ) -> Any:
        """Compute the outputs of the model for all inputs, in their order, in evaluation mode.

        Args:
            x: inputs, as in `fit`.
            batch_size: examples for one step.
            verbose: as in `fit`; the bar leaves no line.
            steps: visit only that many batches.

        Returns:
            The model's output, or tree of outputs, as NumPy arrays.

        Raises:
            DataError: arrays do not fit together, or are empty.
            ShapeError: an output has no axis.
        """
        where = "Trainer.predict"
        report = Reporter(where, verbose)
        data = Pass(Arrays(where, Batch(x)), batch_size, steps)
        self._make_ready(where, data)
        return _loop.predict(self.state, self._programs, data, report)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        """Make one training step on one batch, and return its logs."""
        batch = self._single("Trainer.train_on_batch", x, y, sample_weight)
        return self._numbers(self._programs.train_batch(self.state, batch))

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        """Evaluate one batch, and return its logs."""
        batch = self._single("Trainer.test_on_batch", x, y, sample_weight)
        return self._numbers(self._programs.evaluate_batch(self.state, batch))

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch, as NumPy arrays."""
        batch = self._single("Trainer.predict_on_batch", x)
        return fetch(self._programs.predict_batch(self.state, batch))

    def summary(self, x: Any = None) -> None:
        """Print a table of the model.

        Args:
            x: example inputs; when given, the table has the shapes of the outputs.
        """
        print(self.model.tabulate(NO_INPUTS if x is None else x))

    def _single(self, where: str, x: Any, y: Any = None, sample_weight: Any = None) -> Batch:
        batch = on_device(Arrays(where, Batch(x, y, sample_weight)))
        self._initialise(shapes(batch.x))
        return batch

    def _numbers(self, logs: dict[str, Any]) -> dict[str, Any]:
        return as_numbers(fetch(logs))

    def _make_ready(self, where: str, *passes: Pass | None) -> None:
        """Check what compiled code cannot, then create what is missing."""
        examples = [(data, shapes(data.data, data.batch_size)) for data in passes if data]
        if has_default_steps(self):
            for data, batch in examples:
                check_targets(where, self.loss, data.data, partial(self._shapes_of_preds, batch))
        self._initialise(examples[0][1].x)

    def _shapes_of_preds(self, batch: Batch) -> Any:
        model = self.model
        if not model.initialized:
            model = jax.eval_shape(lambda: model.init(self.seed, batch.x))
        return self._programs.shapes_of_preds(model, batch)

    def _initialise(self, x: Any) -> None:
        """Create what is missing in model and optimizer; `x` has the shapes of a batch."""
        model, optimizer = self.state.model, self.state.optimizer
        if not model.initialized:
            model.init(self.seed, x, inplace=True)
        if optimizer is not None and not optimizer.initialized:
            optimizer.init(model, inplace=True)
