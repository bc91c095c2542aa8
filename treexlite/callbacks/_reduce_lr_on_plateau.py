"""`ReduceLROnPlateau`: a smaller learning rate when a number does not get better any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from treexlite._arguments import integer
from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Logs
from treexlite.callbacks._learning_rate import learning_rates, log_rates, set_learning_rates
from treexlite.callbacks._monitor import MonitorCallback


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a number has not improved for some epochs.

    The learning rate of each epoch joins the logs as `learning_rate`. Nothing is compiled again.

    Args:
        monitor: the name of the number among the logs.
        factor: what the learning rate is multiplied by, above 0 and below 1.
        patience: reduce after so many epochs without an improvement.
        verbose: 1 prints each reduction.
        mode: `"min"`, `"max"`, or `"auto"`, see `MonitorCallback`.
        min_delta: a change of less than that is no improvement.
        cooldown: for how many epochs nothing is counted after a reduction.
        min_lr: the learning rate does not go below that.

    Raises:
        ArgumentError: an argument is out of range, or the trainer has no learning rate to set.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), "mse", tx.Optimizer("sgd", learning_rate=0.5))
        >>> plateau = tx.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=10.0)
        >>> history = trainer.fit(x, x, epochs=5, verbose=0, callbacks=[plateau])
        >>> history.history["learning_rate"], float(trainer.optimizer.learning_rate)
        ([0.5, 0.5, 0.5, 0.25, 0.25], 0.125)

    Reference:
        Keras; torch's `ReduceLROnPlateau` waits one epoch longer and compares relatively. Of an
        optimizer with groups, every rate is reduced, and logged as `learning_rate_<group>`.
    """

    adds = ("learning_rate",)

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode=mode, min_delta=min_delta)
        where = "ReduceLROnPlateau"
        self.factor = number(where, "factor", factor, above=0.0, below=1.0)
        self.patience = integer(where, "patience", patience)
        self.verbose = verbose
        self.cooldown = integer(where, "cooldown", cooldown)
        self.min_lr = number(where, "min_lr", min_lr, above=0.0, closed=True)
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training, and see that there is a rate to set."""
        super().on_train_begin(logs)
        self._reset()
        set_learning_rates(self, learning_rates(self))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and reduce the rate when it has lasted too long."""
        logs = {} if logs is None else logs
        log_rates(self, logs)
        value = self.value_in(logs)
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Reduce every rate that is not at its lowest; return whether there was one."""
        rates = learning_rates(self)
        lowest = float(np.float32(self.min_lr))
        reduced = {
            name: max(rate * self.factor, self.min_lr)
            for name, rate in rates.items()
            if rate > lowest
        }
        if reduced:
            set_learning_rates(self, reduced)
            if self.verbose:
                words = ", ".join(f"{name} is {rate:.6g}" for name, rate in reduced.items())
                print(f"Epoch {epoch + 1}: {self.monitor} has not improved, {words} now")
        return bool(reduced)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, and since when there is none better."""
        return {"best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.best, self.wait = state["best"], state["wait"]
        self.cooldown_counter = state["cooldown_counter"]
