"""`TensorBoard`: curves and histograms for TensorBoard, written by tensorboardX."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from treexlite._arguments import integer
from treexlite._core import Parameter
from treexlite._errors import ArgumentError
from treexlite.callbacks._arguments import frequency
from treexlite.callbacks._callback import Callback, Logs
from treexlite.callbacks._learning_rate import learning_rates


class TensorBoard(Callback):
    """Writes what is logged into event files, which `tensorboard --logdir logs` shows.

    The curves of training and validation have one name (`epoch_loss`) in two folders, `train` and
    `validation`, so that they are drawn over each other. Needs the extra `tensorboard`.

    Args:
        log_dir: the folder for this training.
        histogram_freq: after how many epochs the parameters are written as histograms; 0 is never.
        write_steps_per_second: write how fast an epoch was.
        update_freq: `"epoch"`, or a number of steps (`"batch"` is 1), after which the numbers of
            the epoch so far are written too, as `batch_loss`.

    Raises:
        ArgumentError: an argument is out of range.
        ImportError: tensorboardX is not installed.

    Example:
        >>> import treexlite as tx
        >>> board = tx.callbacks.TensorBoard("logs/run-1", update_freq=100, histogram_freq=1)
        >>> board.every_n_steps  # trainer.fit(x, y, callbacks=[board])
        100

    Reference:
        Names and folders are those of Keras, which needs TensorFlow for it. There is no graph of
        the model, and no profile: `jax.profiler.trace(log_dir)` around `fit` writes one.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
    ) -> None:
        self.log_dir = Path(log_dir)
        self.histogram_freq = integer("TensorBoard", "histogram_freq", histogram_freq)
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = update_freq
        self.every_n_steps = frequency("TensorBoard", "update_freq", update_freq)
        self._writers: dict[str, Any] = {}
        self._is_training = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the event file, so that a missing package shows before the first step."""
        self._is_training = True
        self._writer("train")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin to measure."""
        if self.write_steps_per_second:
            self._first, self._started = self._step(), time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the numbers of the epoch so far."""
        self._scalars("train", "batch_", logs or {}, self._step())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the numbers of the epoch, and histograms."""
        logs = logs or {}
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        for name, rate in self._rates().items():
            train.setdefault(name, rate)
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._started, 1e-9)
            train["steps_per_second"] = (self._step() - self._first) / seconds
        self._scalars("train", "epoch_", train, epoch)
        validation = {
            name.removeprefix("val_"): value for name, value in logs.items() if name not in train
        }
        self._scalars("validation", "epoch_", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._histograms(epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write what an evaluation measured over the number of steps."""
        named = {f"{name}_vs_iterations": value for name, value in (logs or {}).items()}
        self._scalars("validation", "evaluation_", named, self._step())
        if not self._is_training:
            self.close()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the event files."""
        self._is_training = False
        self.close()

    def close(self) -> None:
        """Close the event files; they are opened again when there is more to write."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    # parts

    def _step(self) -> int:
        return int(self.trainer.state.step)

    def _rates(self) -> dict[str, float]:
        try:
            return learning_rates(self)
        except ArgumentError:  # a transformation that does not show its rate
            return {}

    def _scalars(self, folder: str, prefix: str, values: Mapping[str, Any], step: int) -> None:
        for name, value in values.items():
            if jnp.ndim(value) == 0:
                self._writer(folder).add_scalar(f"{prefix}{name}", float(value), step)

    def _histograms(self, epoch: int) -> None:
        for path, value in self.model.state_dict(Parameter).items():
            values = np.asarray(jnp.asarray(value, jnp.float32))
            if values.size and np.isfinite(values).all():
                self._writer("train").add_histogram(f"{path}/histogram", values, epoch)

    def _writer(self, folder: str) -> Any:
        if folder not in self._writers:
            try:
                from tensorboardX import SummaryWriter
            except ImportError as error:
                raise ImportError(
                    "TensorBoard: expected tensorboardX to be installed, received"
                    f" {type(error).__name__}: {error}. Install it:"
                    " `pip install 'treexlite[tensorboard]'`."
                ) from error
            self._writers[folder] = SummaryWriter(str(self.log_dir / folder))
        return self._writers[folder]
