"""`JSONLogger`: the logs as lines of JSON, for epochs or steps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from treexlite.callbacks._arguments import frequency
from treexlite.callbacks._callback import Callback, Logs
from treexlite.callbacks._plain import as_json


class JSONLogger(Callback):
    """Writes one line of JSON after each epoch, and after every so many steps.

    A line of an epoch is `{"epoch": 0, "step": 100, "loss": 0.5, ...}`, one of steps also has
    `"batch"`; epochs and batches count from 0, and `step` says how many were made in all. Each line
    is on the disk at once. What JSON has no number for is a string: `"NaN"`, `"Infinity"`.

    Args:
        filename: the file; its folder is created.
        append: go on with a file that exists; otherwise it is overwritten.
        update_freq: `"epoch"`, or a number of steps, after which there is a line as well, with the
            numbers of the epoch so far.

    Raises:
        ArgumentError: `update_freq` is out of range.

    Example:
        >>> import jax.numpy as jnp, json, pathlib, tempfile, treexlite as tx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "log.jsonl")
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> logger = tx.callbacks.JSONLogger(path)
        >>> history = trainer.fit(x, x, epochs=2, verbose=0, callbacks=[logger])
        >>> lines = [json.loads(line) for line in path.read_text().splitlines()]
        >>> [(line["epoch"], line["step"]) for line in lines]
        [(0, 2), (1, 4)]
        >>> lines[1]["loss"] == history.history["loss"][1]
        True
    """

    def __init__(
        self,
        filename: str | os.PathLike[str],
        append: bool = False,
        update_freq: str | int = "epoch",
    ) -> None:
        self.filename = Path(filename)
        self.append = append
        self.update_freq = update_freq
        self.every_n_steps = frequency("JSONLogger", "update_freq", update_freq)
        self._epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the file."""
        self.filename.parent.mkdir(parents=True, exist_ok=True)
        if not self.append:
            self.filename.write_text("", "utf-8")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write a line of steps."""
        self._write({"epoch": self._epoch, "step": self._step(), "batch": batch, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line of an epoch."""
        self._write({"epoch": epoch, "step": self._step(), **(logs or {})})

    def _step(self) -> int:
        return int(self.trainer.state.step)

    def _write(self, values: dict[str, Any]) -> None:
        with self.filename.open("a", encoding="utf-8") as file:
            file.write(as_json(values) + "\n")
