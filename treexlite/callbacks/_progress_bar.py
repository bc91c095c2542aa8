"""`ProgressBar`: what a person sees while a trainer works.

What flows in: how many batches are done, and a function that reads the logs from the device. What
flows out: text on standard output: a live bar, and lines when an epoch is done. Nothing of the
trainer is mutated. The logs are read a few times a second at most, because that waits for the
device; never when no bar is shown.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from treexlite._errors import ArgumentError, describe
from treexlite.callbacks._callback import Callback, Logs, Read

SECONDS_BETWEEN_READS = 0.2


def check_verbose(where: str, verbose: Any) -> None:
    """Refuse a verbosity that is none.

    Raises:
        ArgumentError: it is not 0, 1 or 2.
    """
    if isinstance(verbose, str) or verbose not in (0, 1, 2):
        raise ArgumentError(
            where,
            expected="`verbose` to be 0 (silent), 1 (bar) or 2 (lines)",
            received=f"verbose={describe(verbose)}",
            fix="Pass one of the three.",
        )


class ProgressBar(Callback):
    """Shows a bar while an epoch runs, and a line when it is done.

    `fit`, `evaluate` and `predict` add one when `verbose` is above 0 and there is none. An epoch
    with validation has a second line, for the validation.

    Args:
        verbose: 0 shows nothing, 1 a bar and then lines, 2 the lines only. Where a bar cannot be
            drawn (a file, a pipe, a notebook without ipywidgets) 1 is the same as 2.

    Raises:
        ArgumentError: `verbose` is none of the three.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> bar = tx.callbacks.ProgressBar(verbose=2)
        >>> bar.set_params({"epochs": 3, "steps": 10, "verbose": 2})
        >>> bar.on_epoch_begin(0)
        >>> bar.on_epoch_end(0, {"loss": 0.25, "val_loss": 0.5})
        Epoch 1/3  0.0 s  loss 0.2500
                   0.0 s  val_loss 0.5000

    Reference:
        Keras's `ProgbarLogger` reads the logs after every step, and so waits for the device then.
    """

    needs_logs = False

    def __init__(self, verbose: int = 1) -> None:
        check_verbose("ProgressBar", verbose)
        self._console = Console()
        self._has_lines = verbose > 0
        self._has_bar = verbose == 1 and _can_draw(self._console)
        self._bar: Progress | None = None
        self._is_training = False
        self._title = ""
        self._started = self._shown = self._validation = 0.0

    # events

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Remember that evaluations belong to epochs."""
        self._is_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Take the bar away."""
        self._is_training = False
        self.close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin a bar."""
        self._validation = 0.0
        self._begin(f"Epoch {epoch + 1}/{self.params.get('epochs', '?')}", self._steps("steps"))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Take the bar away, and write the lines of the epoch."""
        logs = logs or {}
        names = [name for name in logs if not name.startswith("val_")]
        seconds = time.perf_counter() - self._started - self._validation
        self._end(self._title, seconds, {name: logs[name] for name in names})
        if len(names) < len(logs):
            validation = {name: value for name, value in logs.items() if name not in names}
            self._end(" " * len(self._title), self._validation, validation)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar; inside of training the same one goes on."""
        self._test_started = time.perf_counter()
        if not self._is_training:
            self._begin("Evaluate", self._steps("steps"))
        elif self._bar is not None:
            task, total = self._bar.task_ids[0], self._steps("validation_steps")
            title = f"{self._title}, validation"
            self._bar.reset(task, total=total, description=title)
            self._bar.refresh()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the line of an evaluation."""
        seconds = time.perf_counter() - self._test_started
        if self._is_training:
            self._validation = seconds
        else:
            self._end(self._title, seconds, logs or {})

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar."""
        self._begin("Predict", self._steps("steps"))

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Take the bar away; a prediction has no line."""
        self.close()

    def on_progress(self, mode: str, done: int, read: Read) -> None:
        """Show where we are, when the last time is long enough ago."""
        if self._bar is None or time.perf_counter() - self._shown < SECONDS_BETWEEN_READS:
            return
        logs = in_words(read())
        self._bar.update(self._bar.task_ids[0], completed=done, logs=logs, refresh=True)
        self._shown = time.perf_counter()

    def close(self) -> None:
        """Take the bar away, also in the middle of an epoch."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    # parts

    def _steps(self, name: str) -> int | None:
        steps: int | None = self.params.get(name)
        return steps

    def _begin(self, title: str, num_steps: int | None) -> None:
        self.close()
        self._title = title
        self._started = self._shown = time.perf_counter()
        if self._has_bar:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[logs]}"),
                console=self._console,
                auto_refresh=False,
                transient=True,
            )
            self._bar.start()
            self._bar.add_task(title, total=num_steps, logs="")
            self._bar.refresh()

    def _end(self, title: str, seconds: float, logs: Mapping[str, Any]) -> None:
        self.close()
        if self._has_lines:
            line = f"{title}  {seconds:.1f} s  {in_words(logs)}".rstrip()
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _can_draw(console: Console) -> bool:
    """Whether lines can be taken back: in a terminal, and in a notebook with ipywidgets."""
    if console.is_jupyter:
        return importlib.util.find_spec("ipywidgets") is not None
    return console.is_terminal


def in_words(logs: Mapping[str, Any]) -> str:
    """Render the numbers among the logs: `loss 0.1234  accuracy 0.9800`."""
    numbers = {name: value for name, value in logs.items() if isinstance(value, float)}
    return "  ".join(f"{name} {_short(value)}" for name, value in numbers.items())


def _short(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3e}"
