"""`Callback`: what may happen around the steps of a trainer.

What flows in: the trainer, and at each hook the numbers that were logged. What flows out: nothing;
a callback acts on the trainer (`self.trainer.stop_training = True`), on its own attributes, or adds
to the logs of an epoch. What may mutate: the trainer's model and optimizer, between steps.

Steps run many at a time on the device, and nobody waits for them. So each callback declares how
often it has to be called, and whether it reads numbers then; one that overrides no batch hook costs
nothing per step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MODES = ("train", "test", "predict")

Logs = dict[str, Any]
Read = Callable[[], Mapping[str, Any]]


class Callback:
    """Base of all callbacks; override the hooks that you need.

    Hooks are called in the order of the list (and of `order`). `logs` has the numbers of the epoch
    so far, as Python floats. What a callback adds to the logs of `on_epoch_end` is seen by those
    after it, and goes into the history.

    While `fit` runs, the arrays of `trainer.state` give their memory to the next step: who keeps
    one, copies it (`array.copy()`).

    Attributes:
        every_n_steps: batch hooks are called after the steps whose number (over all epochs) this
            divides; more rarely means faster. 0: never.
        needs_logs: whether the hooks at the end of batches get numbers. Reading them waits for the
            device; False when you do without.
        adds: names that the callback adds to the logs of an epoch.
        order: callbacks with a larger one come later, wherever they stand in the list. From 2
            on are those that save, so that what they save is complete.
        trainer: the trainer, from before `on_train_begin` on.
        params: how it was called: `epochs`, `steps` (in an epoch; None when that is unknown) and
            `verbose`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class StopBelow(tx.callbacks.Callback):
        ...     def __init__(self, loss):
        ...         self.loss = loss
        ...
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         if logs["loss"] < self.loss:
        ...             self.trainer.stop_training = True
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> history = trainer.fit(x, x, epochs=500, verbose=0, callbacks=[StopBelow(0.01)])
        >>> len(history.epoch) < 500, history.history["loss"][-1] < 0.01
        (True, True)

    Reference:
        The hooks are those of Keras. There, `logs` of batches are read after every step;
        `every_n_steps`, `needs_logs` and `on_progress` are new. `trainer` stands for Keras's
        `model` wherever that means the training: `trainer.stop_training`, `trainer.optimizer`.
    """

    every_n_steps: int = 1
    needs_logs: bool = True
    adds: tuple[str, ...] = ()
    order: int = 0
    trainer: Any = None
    params: Mapping[str, Any] = {}

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self.trainer.model

    def set_trainer(self, trainer: Any) -> None:
        """Take note of the trainer; called before anything else."""
        self.trainer = trainer

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take note of how the trainer was called."""
        self.params = params

    def required_names(self) -> tuple[str, ...]:
        """Return the names that have to be among the logs: `self.monitor`, if there is one.

        They are checked before the first step.
        """
        monitor = getattr(self, "monitor", None)
        return (monitor,) if isinstance(monitor, str) else ()

    # training

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called when `fit` begins: everything is initialised, no step was made."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called when `fit` ends, also after `stop_training` and Ctrl-C; not after an error."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before each epoch; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after each epoch, and its validation.

        `logs` has what goes into the history, validation with names that begin with `val_`.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before every `every_n_steps` steps, counted over all epochs.

        Args:
            batch: the number of the first of these batches in the epoch, from 0.
            logs: empty.
        """

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after every `every_n_steps` steps.

        Args:
            batch: the number of the last batch in the epoch, from 0.
            logs: the numbers of the epoch so far; empty unless `needs_logs`.
        """

    # evaluation: `evaluate`, and validation inside `fit`

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before an evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after an evaluation, with its logs."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """As `on_train_batch_begin`, for the batches of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """As `on_train_batch_end`, for the batches of an evaluation."""

    # prediction

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """As `on_train_batch_begin`, for the batches of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """As `on_train_batch_end`, for the batches of a prediction; `logs` is empty."""

    # whatever runs

    def on_progress(self, mode: str, done: int, read: Read) -> None:
        """Called whenever steps were sent to the device, at whatever number that is.

        It asks for nothing, so it costs nothing; unlike batch hooks it does not come at a certain
        step.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            done: how many batches of this pass over the data were sent.
            read: waits for the device, and returns the logs so far. Call it rarely.
        """

    def close(self) -> None:
        """Called when the trainer is done, whatever ended it, an error too; may come twice."""

    # resuming

    def state_dict(self) -> dict[str, Any]:
        """Return what has to be saved to continue later: plain data and arrays."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned; called after `on_train_begin`."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


def overrides(callback: Callback, hook: str) -> bool:
    """Whether a callback does something at a hook: by its class, or by an attribute of its own."""
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook)
