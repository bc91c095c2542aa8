"""What a person sees while a trainer works: a live bar, and one line when it is done.

What flows in: how many batches are done, and a function that reads the logs from the device. What
flows out: text on standard output. The reader is called a few times a second at most, because it
waits for the device; never when no bar is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from treexlite._errors import ArgumentError, describe

SECONDS_BETWEEN_READS = 0.2


class Reporter:
    """Reports on one pass over a data set after the other.

    Args:
        where: the method that names itself in errors.
        verbose: 0 shows nothing, 1 a bar and then a line for each pass, 2 the lines only. Without a
            terminal (a file, a pipe) 1 is the same as 2.

    Raises:
        ArgumentError: `verbose` is none of the three.
    """

    def __init__(self, where: str, verbose: int) -> None:
        if verbose not in (0, 1, 2):
            raise ArgumentError(
                where,
                expected="`verbose` to be 0 (silent), 1 (bar) or 2 (lines)",
                received=f"verbose={describe(verbose)}",
                fix="Pass one of the three.",
            )
        self._console = Console()
        self._has_lines = verbose > 0
        self._has_bar = verbose == 1 and (self._console.is_terminal or self._console.is_jupyter)
        self._bar: Progress | None = None

    def begin(self, title: str, num_steps: int) -> None:
        """Begin a pass of `num_steps` batches."""
        self._title, self._done = title, 0
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

    def step(self, read: Callable[[], Mapping[str, Any]]) -> None:
        """Take note of a batch; show it when the last time is long enough ago."""
        self._done += 1
        if self._bar is None or time.perf_counter() - self._shown < SECONDS_BETWEEN_READS:
            return
        logs = in_words(read())
        self._bar.update(self._bar.task_ids[0], completed=self._done, logs=logs, refresh=True)
        self._shown = time.perf_counter()

    def end(self, logs: Mapping[str, Any] | None) -> None:
        """End the pass; the line is shown when there are logs."""
        self.close()
        if self._has_lines and logs is not None:
            seconds = time.perf_counter() - self._started
            line = f"{self._title}  {seconds:.1f} s  {in_words(logs)}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away, also in the middle of a pass."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def in_words(logs: Mapping[str, Any]) -> str:
    """Render the numbers among the logs: `loss 0.1234  accuracy 0.9800`."""
    numbers = {name: value for name, value in logs.items() if isinstance(value, float)}
    return "  ".join(f"{name} {_short(value)}" for name, value in numbers.items())


def _short(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3e}"
