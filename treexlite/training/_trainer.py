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

from treexlite._arguments import integer
from treexlite._core import Module
from treexlite._core._random import as_key, fold
from treexlite._errors import ArgumentError, describe
from treexlite.callbacks import CallbackList
from treexlite.regularizers._registry import as_regularizers
from treexlite.training import _loop
from treexlite.training._arguments import steps_per_execution_of
from treexlite.training._class_weight import with_class_weight
from treexlite.training._data import Batch
from treexlite.training._feed import Chunk
from treexlite.training._finite import check_finite as check_finite_numbers
from treexlite.training._heads import as_losses
from treexlite.training._history import History
from treexlite.training._inspect import Inspection
from treexlite.training._measures import as_measures
from treexlite.training._mesh import as_placement
from treexlite.training._on_batch import OnBatch
from treexlite.training._pace import Pace
from treexlite.training._position import Position
from treexlite.training._precision import as_policy, scaled_optimizer
from treexlite.training._profile import Profile
from treexlite.training._reading import Reading
from treexlite.training._records import Records
from treexlite.training._sources import Cut, feed, feeds, unchanged
from treexlite.training._state import TrainState, own
from treexlite.training._step import Programs, fetch


class Trainer(OnBatch, Inspection):
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
            which are always added), or when nothing is trained. "crossentropy" is binary for a
            model that gives one score per example, and takes logits. For a model with several
            outputs, a tree with a loss for each: `{"a": "mse", "b": "crossentropy"}`; an output
            without one, or with None, is left alone. Their weighted sum is trained, and the value
            of each is logged as `a_loss`, `b_loss`.
        optimizer: a name, an optax transformation, or a `tx.Optimizer`.
        metrics: one or several names or `tx.metrics.Metric`s, or `{name: metric}`. A name is kept
            in logs, and gets the `threshold` and `from_logits` that fit the loss. With a tree of
            losses, `{"a": ["mae"]}` are the metrics of that output, logged as `a_mae`; a metric
            under another key, or with an `on` of its own, is `{name: metric}` as ever.
        loss_weights: how much each loss counts, as a tree like `loss`; 1 where nothing is said.
        regularizers: one or several names, `tx.regularizers.Regularizer`s, or functions of one
            array, for the whole model. Their penalties are added to the loss, as are those of
            layers with an attribute `regularizer`; in evaluation too, as in Keras, so that both
            losses can be compared.
        seed: decides everything random that the trainer does.
        donate: whether `fit` reuses the memory of the state for its new values. It copies the state
            once at its start, so that arrays you hold survive.
        steps_per_execution: how many steps run in one dispatch at most; "auto" adapts the number so
            that a dispatch takes some 30 milliseconds. It changes no bit of the result. Steps with
            convolutions or large products go one by one on a CPU, where that is faster.
        run_eagerly: run the steps operation by operation, to debug them: `print`, breakpoints and
            plain Python work on values. What `init` runs, the model's `__call__`, is still traced
            once. Mistakes in steps that are overridden show in their first batch, not before it.
        accumulate_steps: into how many parts a step cuts its batch, one after the other, to need
            less memory. Loss, gradient and metrics are those of the whole batch, however the parts
            divide it; what a layer does to itself (BatchNorm, Dropout) happens once for each part,
            and a `loss_fn` of your own counts as a mean over examples. What the model logs is
            averaged over the examples.
        dtype_policy: a name such as "mixed_bfloat16" or a `tx.nn.policy(...)`, applied to the model
            at once. With float16, an optimizer that is built here gets a dynamic loss scale.
        mesh: a `jax.sharding.Mesh`, to train on all its devices at once. The examples of each batch
            are divided over one of its axes: the one named "data", else "batch", else the first; of
            a batch that cannot be divided, each device computes all. What training changes is on
            each device, except for arrays that carry a `NamedSharding` of the mesh, which keep it.
            The numbers are those of one device, up to the order of sums; BatchNorm sees the whole
            batch.

    Raises:
        UnknownNameError: a string names no loss, optimizer, metric or regularizer.
        ArgumentError: an argument is of another kind, or does not fit another one.

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
        loss_weights: Any = None,
        regularizers: Any = None,
        seed: int = 0,
        donate: bool = True,
        steps_per_execution: int | str = "auto",
        run_eagerly: bool = False,
        accumulate_steps: int = 1,
        dtype_policy: Any = None,
        mesh: Any = None,
    ) -> None:
        if not isinstance(model, Module):
            raise ArgumentError(
                "Trainer",
                expected="`model` to be a `tx.Module`",
                received=f"model={describe(model)}",
                fix="Pass an instance of a class that derives from `tx.Module`.",
            )
        losses = as_losses("Trainer", loss, loss_weights)
        measures = as_measures("Trainer", metrics, losses)
        dtypes = as_policy("Trainer", dtype_policy)
        optimizer = scaled_optimizer("Trainer", optimizer, dtypes)
        super().__init__(
            losses,
            as_regularizers("Trainer", "regularizers", regularizers),
            measures,
            integer("Trainer", "accumulate_steps", accumulate_steps, 1),
            as_placement("Trainer", mesh),
        )
        self.seed = integer("Trainer", "seed", seed, 0)
        key = fold(as_key("Trainer", self.seed), "state")  # apart from those of initialisation
        if dtypes is not None:
            dtypes.apply(model, inplace=True)
        meters = {name: measure.metric for name, measure in measures.items()}
        self._state = TrainState(model, optimizer, meters, key)
        self.placement.check("Trainer", {"state": self._state})
        self.history = History()
        self.stop_training = False
        self.recent: Chunk | None = None
        self.position = Position()
        self.profile = Profile()
        fixed = steps_per_execution_of("Trainer", steps_per_execution)
        self.paces = {mode: Pace(fixed) for mode in ("train", "test")}
        self._donate = donate and not run_eagerly
        self._programs = Programs(self, donate, run_eagerly)
        self.is_restored = False

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int | str = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        drop_remainder: bool = False,
        record_steps: bool = False,
        check_finite: bool = False,
    ) -> History:
        """Train the model on arrays, or on a stream of batches.

        Before anything is compiled or changed, the steps of training and validation are traced with
        the shapes of the data, so what does not fit together is an error here. Ctrl-C and SIGTERM
        stop after the dispatch that is running, and leave the model as its steps made it; a second
        one does not wait. An exception in a step leaves the state as it was before.

        Args:
            x: inputs: an array, a tuple of positional arguments, or a dict of keyword arguments of
                the model; the first axes count the examples. NumPy, JAX, pandas, torch and SciPy
                sparse. Or a stream of batches `x`, `(x, y)` or `(x, y, sample_weight)`: any
                iterable (a generator, a `tf.data.Dataset`, a torch `DataLoader`, grain), or a
                function that returns a new iterator for each epoch.
            y: targets: an array, or any tree of arrays. None with a stream.
            batch_size: examples for one step. The last batch of an epoch has what is left, and
                trains too. A stream has its own.
            epochs: the epoch to stop before; how many there are, when `initial_epoch` is 0.
            verbose: 0 shows nothing, 1 or "auto" a live bar and a line for each epoch, 2 the lines
                only.
            callbacks: one or several `tx.callbacks.Callback`s, called in their order.
            validation_split: the share of the examples, taken from the end, that is evaluated after
                each epoch instead of trained on.
            validation_data: `(x, y)` or `(x, y, sample_weight)` or a stream, to evaluate after each
                epoch.
            shuffle: visit the examples in another order in each epoch, decided by the seed and the
                number of the epoch alone. A stream decides its order itself.
            class_weight: `{class: weight}`: how much the examples of each class count in training.
            sample_weight: how much each example counts, in the loss and in the metrics: one array
                for all outputs, or a tree with arrays for some.
            initial_epoch: the epoch to begin with, to continue an earlier training.
            steps_per_epoch: visit only that many batches in each epoch. The next epoch of a stream
                goes on behind them; of arrays it begins anew.
            validation_steps: validate on that many batches only: the first ones each time, or, of
                an iterator, the next ones.
            validation_batch_size: None is `batch_size`.
            validation_freq: validate after every so many epochs.
            drop_remainder: leave out a last batch that is smaller than the others (arrays only).
            check_finite: look for NaN and infinity in all data, before training or, of a stream, in
                each batch.
            record_steps: also keep what each single step logged, in `history.steps`.

        Returns:
            The logs of each epoch: the loss, the metrics, and the same on the validation data with
            names that begin with `val_`.

        Raises:
            DataError: arrays do not fit together, or are empty; a stream ends early.
            RangeError: a label is no class of the model. In a later batch of a stream it is found
                when that is read; one of JAX arrays makes the loss NaN.
            ArgumentError: an option is outside its range, two contradict each other, or a callback
                calls `fit`.
            KeyboardInterrupt: Ctrl-C was pressed; `trainer.history` has the complete epochs.
        """
        where = "Trainer.fit"
        self._check_idle(where)
        size = batch_size if validation_batch_size is None else validation_batch_size
        look = partial(check_finite_numbers, where) if check_finite else unchanged

        def weigh(batch: Batch) -> Batch:
            return with_class_weight(where, look(batch), class_weight)

        train, validation = feeds(
            where,
            Batch(x, y, sample_weight),
            self._cut(batch_size, steps_per_epoch, "steps_per_epoch", drop_remainder, weigh),
            validation_split,
            validation_data,
            self._cut(size, validation_steps, "validation_steps", weigh=look, restarts=True),
        )
        first = integer(where, "initial_epoch", initial_epoch, 0)
        last = integer(where, "epochs", epochs, 0)
        every = integer(where, "validation_freq", validation_freq, 1)
        plan = _loop.Plan(train, validation, every, range(first, last), shuffle)
        validated = None if validation is None else validation.num_steps
        params = {"epochs": last, "steps": train.num_steps, "validation_steps": validated}
        watching = self._watchers(where, callbacks, verbose, **params)
        self._programs.records = Records() if record_steps else None
        return self._train(where, plan, watching)

    def _train(self, where: str, plan: _loop.Plan, watching: CallbackList) -> History:
        """Check everything that can be checked without training, and train."""
        trains, validates = bool(plan.epochs), plan.validation is not None
        self._make_ready(where, plan.train, plan.validation, trains)
        if trains:
            watching.check_names(self._programs.logged(validates))
        if not self.is_restored:
            self.position = Position(plan.epochs.start, 0, int(fetch(self.state.step)))
            self.history = History()
            self._streams = {}
        self.own_arrays()
        self._example = plan.train.first_batch
        self._watching = watching
        try:
            _loop.fit(self, self._programs, plan, watching)
        finally:
            self._watching = self._example = None
            self._streams, self._readings = self._stream_places(), {}
        return self.history

    def own_arrays(self) -> None:
        """Copy the arrays of the state, if steps reuse their memory: others may hold them too."""
        if self._donate:
            for module in (self.state, *self.held().values()):
                own(module)
        self._place()

    def remaining(self, epochs: range, readings: dict[str, Reading]) -> range:
        """Return the epochs that `fit` has to do: after `restore`, those that are left.

        The streams go on where they were, each with its reading.

        Raises:
            CheckpointError: one of them does not take its state.
        """
        left = range(max(epochs.start, self.position.epoch), epochs.stop)
        self._resume_streams(readings, left.start)
        if not self.is_restored:
            return epochs
        self.is_restored = False
        if self._watching is not None and self._callback_states is not None:
            self._watching.load_state_dict(self._callback_states)
        self._callback_states = None
        return left

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: int | str = 1,
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
    ) -> dict[str, Any]:
        """Measure the loss and the metrics over a data set, in evaluation mode.

        Args:
            x: inputs, or a stream, as in `fit`.
            y: targets, as in `fit`.
            batch_size: examples for one step; the result does not depend on it.
            verbose: as in `fit`.
            sample_weight: as in `fit`.
            steps: visit only that many batches.
            callbacks: as in `fit`.

        Returns:
            `{name: value}` over all examples.

        Raises:
            DataError: arrays do not fit together, or are empty.
        """
        where = "Trainer.evaluate"
        data = feed(where, Batch(x, y, sample_weight), self._cut(batch_size, steps))
        watching = self._watchers(where, callbacks, verbose, epochs=1, steps=data.num_steps)
        self._make_ready(where, None, data)
        return _loop.evaluate(self, self._programs, data, watching)

    def predict(
        self,
        x: Any,
        batch_size: int = 32,
        verbose: int | str = 1,
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Compute the outputs of the model for all inputs, in their order, in evaluation mode.

        Args:
            x: inputs, or a stream, as in `fit`; of a stream of `(x, y)` only `x` is used.
            batch_size: examples for one step.
            verbose: as in `fit`; the bar leaves no line.
            steps: visit only that many batches.
            callbacks: as in `fit`.

        Returns:
            The model's output, or tree of outputs, as NumPy arrays.

        Raises:
            DataError: arrays do not fit together, or are empty.
            ShapeError: an output has no axis.
        """
        where = "Trainer.predict"
        data = feed(where, Batch(x), self._cut(batch_size, steps))
        watching = self._watchers(where, callbacks, verbose, epochs=1, steps=data.num_steps)
        self._initialise(data.example.x)
        return _loop.predict(self, self._programs, data, watching)

    def _cut(self, *options: Any, **more: Any) -> Cut:
        return Cut(*options, **{**more, "placement": self.placement})

    def _watchers(self, where: str, callbacks: Any, verbose: Any, **params: Any) -> CallbackList:
        verbose = 1 if isinstance(verbose, str) and verbose == "auto" else verbose
        return CallbackList(where, callbacks, self, verbose, {**params, "verbose": verbose})
