"""`LearningRateFinder`: which learning rates train, by one sweep over them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from treexlite._arguments import integer
from treexlite._errors import ArgumentError, TreexliteWarning
from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Callback, Logs, Read
from treexlite.callbacks._copies import copied, put_back
from treexlite.callbacks._learning_rate import learning_rates, set_learning_rates

_WHERE = "LearningRateFinder"


class LearningRateFinder(Callback):
    """Makes steps with an exponentially growing learning rate, and records the loss of each.

    The sweep runs on a copy of the state, over the batches that the training visits; so what the
    training does is the same as without it. The loss is smoothed, and the sweep ends when it is far
    above the best one, or not finite.

    Args:
        min_lr: the first learning rate.
        max_lr: the last one.
        num_steps: how many there are, spaced evenly in the logarithm.
        stop_factor: the loss diverges when its smoothed value is so many times the smallest one.
        smoothing: how much of the smoothed loss stays with each step, from 0 to below 1.
        stop_training: end `fit` after the sweep, and give model, optimizer and metrics back what
            they were at its beginning; otherwise the training goes on.

    Attributes:
        learning_rates: the rates that were tried.
        losses: the loss of each step, before its update.
        suggestion: a rate at which the smoothed loss falls; None when it never does.

    Raises:
        ArgumentError: an argument is out of range, or the trainer has no learning rate to set.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> finder = tx.callbacks.LearningRateFinder(1e-3, 100.0, num_steps=40)
        >>> history = trainer.fit(x, x, batch_size=8, epochs=5, verbose=0, callbacks=[finder])
        >>> 1e-3 < finder.suggestion < 10.0, int(trainer.state.step)
        (True, 0)
        >>> trainer.optimizer.learning_rate = finder.suggestion

    Reference:
        Smith, "Cyclical learning rates for training neural networks" (2017). The suggestion is like
        fastai's "valley"; the steepest point, which PyTorch Lightning takes, is often one of noise.
    """

    needs_logs = False

    def __init__(
        self,
        min_lr: float = 1e-7,
        max_lr: float = 10.0,
        num_steps: int = 100,
        *,
        stop_factor: float = 4.0,
        smoothing: float = 0.9,
        stop_training: bool = True,
    ) -> None:
        self.min_lr = number(_WHERE, "min_lr", min_lr, above=0.0)
        self.max_lr = number(_WHERE, "max_lr", max_lr, above=self.min_lr)
        self.num_steps = integer(_WHERE, "num_steps", num_steps, 2)
        self.stop_factor = number(_WHERE, "stop_factor", stop_factor, above=1.0)
        self.smoothing = number(_WHERE, "smoothing", smoothing, above=0.0, below=1.0, closed=True)
        self.stop_training = stop_training
        self._reset()

    def _reset(self) -> None:
        self.learning_rates: list[float] = []
        self.losses: list[float] = []
        self._smoothed: list[float] = []
        self._is_done = False
        self._beginning: Any = None
        self._swept: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Copy the state, and see that there is a rate to set."""
        self._reset()
        set_learning_rates(self, learning_rates(self))
        self._beginning = copied(self.trainer.state) if self.stop_training else None
        self._swept = copied(self.trainer.state)

    def on_progress(self, mode: str, done: int, read: Read) -> None:
        """Make the steps of the sweep for the batches that were visited."""
        if mode != "train" or self._is_done:
            return
        for batch in self.trainer.recent_batches():
            if self._step(batch):
                self._swept = None
                if self.stop_training:
                    self.trainer.stop_training = True
                break

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Give the state back, and warn when the sweep did not come to its end."""
        if not self._is_done:
            warnings.warn(
                f"{_WHERE}: the training ended after {len(self.losses)} of {self.num_steps} steps"
                " of the sweep; pass fewer `num_steps`, or more epochs",
                TreexliteWarning,
                stacklevel=2,
            )
        if self._beginning is not None:
            put_back(self.trainer.state, self._beginning)
        self._beginning = self._swept = None

    @property
    def suggestion(self) -> float | None:
        """A rate at which the loss falls; None when it never does.

        It is the middle of the longest descent: of the most points, in order, of which each has a
        smaller smoothed loss than the one before. Noise between them does not matter.
        """
        descent = _longest_descent(self._smoothed)
        return self.learning_rates[descent[len(descent) // 2]] if len(descent) > 2 else None

    def plot(self, path: Any = None) -> Any:
        """Draw the losses over the rates.

        Args:
            path: where to save the picture; None saves nothing.

        Returns:
            The matplotlib figure; a notebook shows it.

        Raises:
            ImportError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                f"{_WHERE}.plot: expected matplotlib to be installed, received"
                f" {type(error).__name__}: {error}. Install it: `pip install 'treexlite[plot]'`."
            ) from error
        figure = Figure(figsize=(5.5, 3.5), layout="constrained")
        axes = figure.add_subplot(1, 1, 1, xlabel="learning rate", ylabel="loss", xscale="log")
        axes.plot(self.learning_rates, self.losses, alpha=0.3, label="each step")
        axes.plot(self.learning_rates[: len(self._smoothed)], self._smoothed, label="smoothed")
        if self.suggestion is not None:
            label = f"suggestion: {self.suggestion:.2g}"
            axes.axvline(self.suggestion, color="grey", linestyle="--", label=label)
        axes.grid(alpha=0.3)
        axes.legend()
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def _step(self, batch: Any) -> bool:
        """Make one step of the sweep; return whether it was the last."""
        share = len(self.losses) / (self.num_steps - 1)
        rate = self.min_lr * (self.max_lr / self.min_lr) ** share
        optimizer = self._swept.optimizer
        known = optimizer.learning_rate
        optimizer.learning_rate = dict.fromkeys(known, rate) if isinstance(known, Mapping) else rate
        logs = self.trainer.replay(self._swept, batch)
        if "loss" not in logs:
            raise ArgumentError(
                _WHERE,
                expected="a trainer that logs its loss",
                received=f"logs named {', '.join(logs) or 'nothing'}",
                fix="Return `{'loss': loss}` from `train_step`.",
            )
        self.learning_rates.append(rate)
        self.losses.append(float(logs["loss"]))
        self._is_done = self._diverges() or len(self.losses) == self.num_steps
        return self._is_done

    def _diverges(self) -> bool:
        """Smooth the last loss, and say whether the sweep has gone too far."""
        if not math.isfinite(self.losses[-1]):
            return True
        mean = 0.0
        for loss in self.losses:
            mean = self.smoothing * mean + (1 - self.smoothing) * loss
        self._smoothed.append(mean / (1 - self.smoothing ** len(self.losses)))
        return len(self.losses) > 1 and self._smoothed[-1] > self.stop_factor * min(self._smoothed)


def _longest_descent(values: list[float]) -> list[int]:
    """Return the positions of the longest strictly falling subsequence."""
    best: list[list[int]] = []
    for position, value in enumerate(values):
        longer = [chain for chain in best if values[chain[-1]] > value]
        best.append([*max(longer, key=len, default=[]), position])
    return max(best, key=len, default=[])
