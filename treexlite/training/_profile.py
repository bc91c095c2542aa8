"""Where the time of a training went, as seen from Python.

In: spans of time, each with a name. Out: a table. Nothing else is mutated.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

WAITS = {
    "data": "waiting for the next batches, and sending them to the device",
    "dispatch": "handing steps to the device; the first ones are compiled here",
    "device": "waiting for the device: behind two dispatches, and for logs",
    "callbacks": "callbacks, with the progress bar",
    "validation": "evaluation after epochs, all of it",
}


class Profile:
    """Adds up the seconds spent on each kind of work; spans inside a span count for themselves.

    Attributes:
        seconds: `{kind: seconds}`.
        dispatches: how many there were.
        steps: how many steps they had.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(WAITS, 0.0)
        self.dispatches = self.steps = 0
        self._started = time.perf_counter()
        self._total: float | None = None
        self._inside = 0.0

    @contextlib.contextmanager
    def span(self, kind: str) -> Iterator[None]:
        """Add the time of the block to a kind."""
        outer, self._inside = self._inside, 0.0
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            self.seconds[kind] += spent - self._inside
            self._inside = outer + spent

    def stop(self) -> None:
        """End the measurement."""
        self._total = time.perf_counter() - self._started

    @property
    def total(self) -> float:
        """Seconds from the beginning to the end, or until now."""
        return time.perf_counter() - self._started if self._total is None else self._total

    def report(self, form: str) -> str:
        """Return a table of the times."""
        table = Table(title=f"{self.total:.3f} s for {self.steps} steps, {form}")
        table.add_column("what")
        table.add_column("seconds", justify="right")
        table.add_column("share", justify="right")
        table.add_column("meaning")
        rest = max(self.total - sum(self.seconds.values()), 0.0)
        rows = [*((name, self.seconds[name], WAITS[name]) for name in WAITS)]
        rows.append(("rest", rest, f"everything else, around {self.dispatches} dispatches"))
        for name, seconds, meaning in rows:
            share = f"{100 * seconds / max(self.total, 1e-9):.1f} %"
            table.add_row(name, f"{seconds:.3f}", share, meaning)
        console = Console(width=100, color_system=None, force_jupyter=False)
        with console.capture() as capture:
            console.print(table)
        return capture.get()
