"""`EarlyStopping`: stop when a number does not get better any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treexlite._arguments import integer
from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Logs
from treexlite.callbacks._copies import set_weights, weights
from treexlite.callbacks._monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training when a number has not improved for some epochs.

    Epochs without the number (`validation_freq` above 1) do not count.

    Args:
        monitor: the name of the number among the logs.
        min_delta: a change of less than that is no improvement.
        patience: stop after so many epochs without an improvement; 0 and 1 mean the same, the
            first.
        verbose: 1 prints when training stops, and what is restored.
        mode: `"min"`, `"max"`, or `"auto"`, see `MonitorCallback`.
        baseline: only what is better than that counts as an improvement, for `patience`.
        restore_best_weights: at the end of training, give the model the parameters and running
            statistics of its best epoch. They are copied at each improvement.
        start_from_epoch: do not look before that epoch, counted from 0.

    Attributes:
        best: the best value.
        best_epoch: its epoch, from 0.
        stopped_epoch: the epoch, from 0, after which training was stopped; None if it was not.
        wait: for how many epochs there has been no improvement.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> stopping = tx.callbacks.EarlyStopping("loss", min_delta=10.0, patience=3)
        >>> history = trainer.fit(x, x, epochs=50, verbose=0, callbacks=[stopping])
        >>> len(history.epoch), stopping.best_epoch, stopping.stopped_epoch
        (4, 0, 3)

    Reference:
        Keras. There, the first epoch never stops training, `stopped_epoch` is 0 when nothing
        stopped it, improvements below the baseline postpone the stop for ever, and a first value of
        NaN is never improved on.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode=mode, min_delta=min_delta)
        where = "EarlyStopping"
        self.patience = integer(where, "patience", patience)
        self.verbose = verbose
        self.baseline = None if baseline is None else number(where, "baseline", baseline)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = integer(where, "start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self.wait = 0
        self.best_weights: dict[str, Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and stop when it has lasted too long."""
        value = self.value_in(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improves(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = weights(self.model)
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
        if self.wait >= max(self.patience, 1):
            self.stopped_epoch = epoch
            self.trainer.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say what happened, and restore the best weights."""
        if self.stopped_epoch is not None and self.verbose:
            print(
                f"Epoch {self.stopped_epoch + 1}: stopped early, {self.monitor} has not improved "
                f"for {self.wait} epoch{'s' if self.wait > 1 else ''}"
            )
        if self.best_weights is not None and self.best_epoch is not None:
            if self.verbose:
                print(f"The weights are those of the best epoch, {self.best_epoch + 1}")
            set_weights(self.model, self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, since when there is none better, and the best weights."""
        state = {"best": self.best, "best_epoch": self.best_epoch, "wait": self.wait}
        return {**state, "best_weights": self.best_weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.wait, self.best_weights = state["wait"], state["best_weights"]
